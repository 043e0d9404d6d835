import assert from 'node:assert/strict';

/** Fails when this process still has a TCP socket: for the end of a test file. */
export async function assertNothingOpen(): Promise<void> {
  // Handles that are closing are gone after a turn or two of the event loop.
  for (let turn = 0; turn < 20 && openSockets().length > 0; turn += 1) await new Promise(setImmediate);
  assert.deepEqual(openSockets(), []);
}

function openSockets(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
}
