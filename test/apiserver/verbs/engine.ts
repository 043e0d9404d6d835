import type { KubeObject } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { ResourceType } from '../resourceType.ts';
import type { Storage } from '../storage/storage.ts';

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Which resource a request is about; `name` empty: the collection; `namespace` empty: all, or cluster scope. */
export interface Target {
  readonly type: ResourceType;
  readonly version: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** What a write carries besides its body. `warn` collects texts for Warning headers. */
export interface WriteOptions {
  readonly caller: Caller;
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly force: boolean;
  readonly warn: (text: string) => void;
}

/** What admission is asked: `object` null: a delete; `old` null: a create. In the form of the stored version. */
export interface AdmissionRequest {
  readonly target: Target;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly object: KubeObject | null;
  readonly old: KubeObject | null;
  readonly options: WriteOptions;
}

/** What all verbs work on. */
export interface Engine {
  readonly storage: Storage;
  readonly registry: Registry;
  readonly now: () => number;
  /** Throws ApiError for a refusal. */
  readonly admit: (request: AdmissionRequest) => Promise<void>;
}

/** Time as Kubernetes writes it: whole seconds. */
export function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
