import { ManifestLoader } from './manifestLoader.ts';
import type { KubeObject } from '../../model/objects.ts';
import type { Problem } from '../../../core/ir/problem.ts';

/** All that stands below some paths, read once. */
export interface ManifestReading {
  readonly objects: readonly KubeObject[];
  readonly problems: readonly Problem[];
  /** Files that were read, in path order. */
  readonly files: readonly string[];
}

/** Reads manifest files and folders once. Throws ManifestPathError when a given path does not exist. */
export async function readManifests(paths: readonly string[]): Promise<ManifestReading> {
  const loader = new ManifestLoader(paths);
  const { upserts, problems } = await loader.loadFirst();
  return { objects: upserts, problems, files: loader.files };
}
