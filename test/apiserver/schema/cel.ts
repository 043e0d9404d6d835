import type { FieldError } from '../fieldError.ts';
import type { KubeObject } from '../json.ts';
import type { Schema } from './schema.ts';

/** Faults of an object by the CEL rules of its schema; `old` null: create. */
export function celErrors(_object: KubeObject, _old: KubeObject | null, _schema: Schema): FieldError[] {
  return [];
}

/** Why a rule is no CEL; null: it is. */
export function celCompileError(_rule: string, _schema: Schema): string | null {
  return null;
}
