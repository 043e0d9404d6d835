import type { Service } from '../../model/objects.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareText } from '../ingressAge.ts';
import type { TranslateOptions } from '../translation.ts';

/** Services of the namespaces that are watched, by namespace and name. */
export function watchedServices(objects: ObjectIndex, { watchNamespaces }: TranslateOptions): readonly Service[] {
  const namespaces = new Set(watchNamespaces);
  const services = [...objects.list('Service')].filter(({ metadata }) => namespaces.size === 0 || namespaces.has(metadata.namespace));
  return services.toSorted(
    (a, b) => compareText(a.metadata.namespace, b.metadata.namespace) || compareText(a.metadata.name, b.metadata.name),
  );
}
