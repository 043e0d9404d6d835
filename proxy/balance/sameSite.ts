/**
 * False for the user agents that refuse or misread `SameSite=None`, as listed by the Chromium project ("SameSite=None:
 * Known Incompatible Clients"): every browser on iOS 12, Safari and web views on macOS 10.14, Chromium 51 to 66,
 * UC Browser before 12.13.2.
 */
export function acceptsSameSiteNone(userAgent: string | undefined): boolean {
  if (userAgent === undefined) return true;
  if (isIos12(userAgent) || isMojaveWebKit(userAgent)) return false;
  const ucVersion = versionAfter(userAgent, 'UCBrowser/');
  if (ucVersion !== null) return isAtLeast(ucVersion, [12, 13, 2]);
  const chromium = versionAfter(userAgent, 'Chrome/') ?? versionAfter(userAgent, 'Chromium/');
  const major = chromium?.[0] ?? 0;
  return major < 51 || major > 66;
}

function isIos12(userAgent: string): boolean {
  return userAgent.includes('CPU iPhone OS 12_') || userAgent.includes('CPU OS 12_');
}

function isMojaveWebKit(userAgent: string): boolean {
  if (!userAgent.includes('Macintosh;') || !userAgent.includes('Mac OS X 10_14')) return false;
  if (userAgent.includes('Chrome/') || userAgent.includes('Chromium/')) return false;
  return userAgent.includes('Safari/') || userAgent.endsWith('(KHTML, like Gecko)');
}

/** The dotted numbers behind `name`, three at most; null when it does not occur. */
function versionAfter(userAgent: string, name: string): readonly number[] | null {
  const at = userAgent.indexOf(name);
  if (at === -1) return null;
  const text = userAgent.slice(at + name.length, at + name.length + 24);
  return text.split('.', 3).map((part) => Number.parseInt(part, 10) || 0);
}

function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  for (const [index, wanted] of least.entries()) {
    const part = version[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
