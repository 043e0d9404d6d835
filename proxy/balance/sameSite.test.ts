import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptsSameSiteNone } from './sameSite.ts';

const CHROME = (major: number): string =>
  `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.3282.140 Safari/537.36`;
const UC = (version: string): string =>
  `Mozilla/5.0 (Linux; U; Android 8.1.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/57.0.2987.108 UCBrowser/${version} Mobile Safari/537.36`;

const REFUSING: readonly string[] = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/78.0 Mobile/16A366 Safari/605.1',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Safari/605.1.15',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko)',
  CHROME(51),
  CHROME(66),
  UC('12.13.1.1189'),
  UC('11.5'),
];

const ACCEPTING: readonly (string | undefined)[] = [
  undefined,
  '',
  'curl/8.5.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 13_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1 Safari/605.1.15',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.14; rv:120.0) Gecko/20100101 Firefox/120.0',
  CHROME(50),
  CHROME(67),
  CHROME(140),
  UC('12.13.2.1005'),
  UC('13.0'),
  'Chrome/',
];

for (const userAgent of REFUSING) {
  test(`SameSite=None is kept from ${userAgent}`, () => assert.equal(acceptsSameSiteNone(userAgent), false));
}

for (const userAgent of ACCEPTING) {
  test(`SameSite=None is sent to ${userAgent}`, () => assert.equal(acceptsSameSiteNone(userAgent), true));
}
