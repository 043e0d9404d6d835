import { at, records, scalar, text, type KubeObject } from '../../json.ts';

/** `80:30080/TCP,443:30443/TCP`; `<none>` where there are no ports. */
export function joinedPorts(service: KubeObject): string {
  const texts = records(at(service, 'spec', 'ports')).map((port) => {
    const nodePort = port['nodePort'] === undefined ? '' : `:${scalar(port['nodePort'])}`;
    return `${scalar(port['port'])}${nodePort}/${text(port['protocol'])}`;
  });
  return texts.length === 0 ? '<none>' : texts.join(',');
}

