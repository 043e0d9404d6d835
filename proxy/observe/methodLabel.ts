/** Methods that metrics tell apart; position is the method's number. */
const METHODS = ['OTHER', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'] as const;

/** method → its number. */
const NUMBER_BY_METHOD: ReadonlyMap<string, number> = new Map(METHODS.map((method, number) => [method, number]));

/** A small number for a method, 0 for every one that is not in the known set: clients may invent methods without end. */
export function methodNumber(method: string): number {
  return NUMBER_BY_METHOD.get(method) ?? 0;
}

/** The label value of a method number. */
export function methodLabel(number: number): string {
  return METHODS[number] ?? METHODS[0];
}
