import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacksWhen } from '../../../test/support/requirement.ts';
import { decodeArp } from './arp.ts';
import { decodeNdp } from './ndp.ts';
import { FRAMES } from './testing/frameCorpus.ts';
import { describeFrame } from './testing/lan.ts';

// Debian installs scapy for its own Python, which need not be the first on the PATH.
const PYTHON = ['/usr/bin/python3', 'python3'].find((python) => spawnSync(python, ['-c', 'import scapy']).status === 0);
const skip = lacksWhen(PYTHON === undefined, 'python3-scapy is not installed');

function scapyFrames(): ReadonlyMap<string, Buffer> {
  const { stdout, stderr, status } = spawnSync(PYTHON ?? '', [join(import.meta.dirname, 'testing/scapyFrames.py')], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return new Map(stdout.trim().split('\n').map((line) => {
    const space = line.indexOf(' ');
    return [line.slice(space + 1), Buffer.from(line.slice(0, space), 'hex')];
  }));
}

test('scapy makes the same frames, octet for octet, and its odd frames are ignored for the reason in their name', { skip }, () => {
  const made = scapyFrames();
  for (const [name, frame] of FRAMES) {
    assert.equal(made.get(name)?.toString('hex'), Buffer.from(frame).toString('hex'), `${name}: ${describeFrame(frame)}`);
  }
  const odd = [...made].filter(([name]) => name.startsWith('odd: '));
  assert.equal(odd.length + FRAMES.size, made.size);
  for (const [name, frame] of odd) {
    const decoded = frame[12] === 0x86 ? decodeNdp(frame) : decodeArp(frame);
    assert.equal(decoded.type === 'ignored' && decoded.reason, name.split(' ')[1], name);
  }
});
