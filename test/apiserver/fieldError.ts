/** What is wrong with one field, in the words of k8s.io/apimachinery's field errors. */
export interface FieldError {
  readonly rule: keyof typeof RULES;
  /** `spec.ports[0].port` */
  readonly field: string;
  /** Absent: the message names no value. */
  readonly value?: unknown;
  readonly detail?: string;
}

const RULES = {
  required: ['FieldValueRequired', 'Required value'],
  invalid: ['FieldValueInvalid', 'Invalid value'],
  notSupported: ['FieldValueNotSupported', 'Unsupported value'],
  forbidden: ['FieldValueForbidden', 'Forbidden'],
  duplicate: ['FieldValueDuplicate', 'Duplicate value'],
  tooLong: ['FieldValueTooLong', 'Too long'],
  tooMany: ['FieldValueTooMany', 'Too many'],
  type: ['FieldValueTypeInvalid', 'Invalid value'],
  notFound: ['FieldValueNotFound', 'Not found'],
} as const;

/** The reason of a cause. */
export function fieldErrorType(error: FieldError): string {
  return RULES[error.rule][0];
}

/** The message without the field's name. */
export function fieldErrorText(error: FieldError): string {
  const parts: string[] = [RULES[error.rule][1]];
  if (error.value !== undefined && !['required', 'forbidden', 'tooLong'].includes(error.rule)) parts.push(valueText(error.value));
  if (error.detail !== undefined && error.detail !== '') parts.push(error.detail);
  return parts.join(': ');
}

/** As Go prints it: a bigint stands for an unsigned number, which is hexadecimal. */
function valueText(value: unknown): string {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  return JSON.stringify(value) ?? 'null';
}

/** An absent field that must be there. */
export function required(field: string, detail = ''): FieldError {
  return { rule: 'required', field, detail };
}

/** A value that breaks a rule. */
export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { rule: 'invalid', field, value, detail };
}

/** A value that is not one of `supported`. */
export function notSupported(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  const texts = supported.map((one) => valueText(one));
  return { rule: 'notSupported', field, value, detail: `supported values: ${texts.join(', ')}` };
}

/** A field that may not be set. */
export function forbiddenField(field: string, detail: string): FieldError {
  return { rule: 'forbidden', field, detail };
}

/** A value that stands there already. */
export function duplicate(field: string, value: unknown): FieldError {
  return { rule: 'duplicate', field, value };
}
