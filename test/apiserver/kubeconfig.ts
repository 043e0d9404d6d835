import { stringify } from 'yaml';

/** How a user proves who it is. */
export type Credentials =
  | { readonly token: string }
  | { readonly certificatePem: string; readonly privateKeyPem: string };

/** Text of a kubeconfig file for one server and one user. */
export function kubeconfigText(server: string, authorityPem: string | null, user: string, credentials: Credentials): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const proof = 'token' in credentials ? { token: credentials.token }
    : { 'client-certificate-data': base64(credentials.certificatePem), 'client-key-data': base64(credentials.privateKeyPem) };
  return stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, ...(authorityPem === null ? {} : { 'certificate-authority-data': base64(authorityPem) }) } }],
    users: [{ name: user, user: proof }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
  });
}
