import type { Problem } from '../../core/ir/problem.ts';
import { makeDefaultCertificate } from '../certificates/defaultCertificate.ts';
import { ObjectStore } from '../model/store.ts';
import { translateOptions, type TranslationChoices } from '../runtime/translationChoices.ts';
import { readManifests } from '../sources/manifests/readManifests.ts';
import { translate } from '../translate/translate.ts';

/** What `gatehouse check` found. */
export interface CheckReport {
  readonly files: number;
  readonly objects: number;
  /** Ingresses that would be served. */
  readonly ingresses: number;
  /** Different hosts of theirs. */
  readonly hosts: number;
  /** Services of type LoadBalancer. */
  readonly services: number;
  readonly errors: number;
  readonly warnings: number;
  /** By file and line. */
  readonly problems: readonly Problem[];
}

/** The machine and moment that manifests are checked for. */
export interface CheckPlace {
  /** Wall clock: decides which certificates have expired. */
  readonly nowMs: number;
  readonly nodeName: string;
  readonly localAddresses: readonly string[];
}

/** Reads and translates manifests without serving them. Services get addresses as if none had any before. */
export async function checkManifests(paths: readonly string[], choices: TranslationChoices, place: CheckPlace): Promise<CheckReport> {
  const { nowMs, ...found } = place;
  const read = await readManifests(paths);
  const store = new ObjectStore();
  store.apply({ upserts: read.objects, deletes: [] });
  const translation = translate(store, translateOptions(choices, makeDefaultCertificate(nowMs), nowMs, found));
  const problems = [...read.problems, ...translation.problems].toSorted(byPosition);
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  return {
    files: read.files.length,
    objects: read.objects.length,
    ingresses: translation.ingresses.length,
    hosts: new Set(translation.ingresses.flatMap((ingress) => ingress.hosts)).size,
    services: translation.services.length,
    errors,
    warnings: problems.length - errors,
    problems,
  };
}

/** Problems that stand in no file come last. */
function byPosition(left: Problem, right: Problem): number {
  if (left.position === null || right.position === null) return Number(left.position === null) - Number(right.position === null);
  if (left.position.file !== right.position.file) return left.position.file < right.position.file ? -1 : 1;
  return left.position.line - right.position.line;
}
