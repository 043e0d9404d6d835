import type { Service } from '../../model/service.ts';
import type { ObjectIndex } from '../../model/store.ts';
import { compareText } from '../ingressAge.ts';
import type { TranslateOptions } from '../translation.ts';

/** Services of the namespaces that are watched, and the publish Service wherever it is, by namespace and name. */
export function watchedServices(objects: ObjectIndex, { watchNamespaces, publishService }: TranslateOptions): readonly Service[] {
  const namespaces = new Set(watchNamespaces);
  const isWatched = ({ metadata: { namespace, name } }: Service): boolean =>
    namespaces.size === 0 || namespaces.has(namespace) || `${namespace}/${name}` === publishService;
  const services = [...objects.list('Service')].filter(isWatched);
  return services.toSorted(
    (a, b) => compareText(a.metadata.namespace, b.metadata.namespace) || compareText(a.metadata.name, b.metadata.name),
  );
}
