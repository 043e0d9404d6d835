import type { ClientAuth } from '../../core/ir/clientAuth.ts';
import type { SecretName } from './values/secretName.ts';

/** What an Ingress asks of its clients' certificates, before its Secret is looked at. `field`: the annotation to report at. */
export type ClientAuthWish =
  | { readonly type: 'off'; readonly field: string }
  | (Pick<ClientAuth, 'mode' | 'depth' | 'passCertificate' | 'errorPage' | 'matchCommonName'> & {
      readonly type: 'asked';
      readonly field: string;
      readonly secret: SecretName;
    });
