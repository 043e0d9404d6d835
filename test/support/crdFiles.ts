import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Schema } from '../apiserver/schema/schema.ts';

const FOLDER = join(import.meta.dirname, '../../crds');

/** One CustomResourceDefinition of crds/, as far as tests and docs read it. */
export interface Crd {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly singular: string;
      readonly listKind: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly subresources: object;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly type: string; readonly jsonPath: string }[];
    }[];
  };
}

/** All of crds/, in the order of their file names; `file` is the name in that folder. */
export function readCrds(): readonly { readonly file: string; readonly crd: Crd; readonly schema: Schema }[] {
  return readdirSync(FOLDER).filter((file) => file.endsWith('.yaml')).toSorted().map((file) => {
    const crd = parse(readFileSync(join(FOLDER, file), 'utf8')) as Crd;
    const schema = crd.spec.versions[0]?.schema.openAPIV3Schema;
    if (schema === undefined) throw new Error(`${file} has no schema`);
    return { file, crd, schema };
  });
}

/** True for metav1.LabelSelector, which stands in many places. */
export function isLabelSelector(schema: Schema): boolean {
  return schema.properties !== undefined && Object.keys(schema.properties).join() === 'matchLabels,matchExpressions';
}
