/** Whole numbers of places in proportion to the weights, `size` together (largest remainders get the odd ones). */
export function apportion(weights: readonly number[], size: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (weight / total) * size);
  const quotas = exact.map(Math.floor);
  const spare = size - quotas.reduce((sum, quota) => sum + quota, 0);
  const remainder = (index: number): number => (exact[index] as number) - (quotas[index] as number);
  const byRemainder = weights.map((_, index) => index).sort((a, b) => remainder(b) - remainder(a) || a - b);
  for (const index of byRemainder.slice(0, spare)) quotas[index] = (quotas[index] as number) + 1;
  return quotas;
}
