/** RFC 3339 in UTC with seconds, as metav1.Time is written. */
export function timeText(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}
