/** Ours: who is to take a Lease over asks often, as clients wait and it is soon over; who holds it renews as anybody does. */
export const VIP_LEASE_TIMINGS = { retryPeriodMs: 500, renewPeriodMs: 2_000 } as const;
