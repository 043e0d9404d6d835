import type { BalancePolicy, HashPart } from '../../../core/ir/cluster.ts';
import { parseBalance } from '../values/balance.ts';
import { parseBoolean } from '../values/boolean.ts';
import { parseHashKey } from '../values/hashKey.ts';
import { integerBetween } from '../values/integer.ts';
import { annotation } from './row.ts';

const MAX_SUBSET = 1000;

/** How endpoints are chosen. */
export const BALANCE = {
  algorithm: annotation<BalancePolicy | null>({
    name: 'load-balance',
    parse: parseBalance,
    default: null,
    configMapKey: 'load-balance',
    risk: 'low',
    scope: 'cluster',
    documentation: '`round_robin`, `least_conn` or `ewma`. `upstream-hash-by` takes precedence.',
  }),
  hashBy: annotation<readonly HashPart[] | null>({
    name: 'upstream-hash-by',
    parse: parseHashKey,
    default: null,
    risk: 'low',
    scope: 'cluster',
    documentation:
      'Consistent hashing (Maglev) of text and the variables `$request_uri`, `$uri`, `$host`, `$remote_addr`, `$binary_remote_addr`, `$request_method`, `$scheme`, `$http_<header>`, `$cookie_<name>`, `$arg_<name>`.',
  }),
  subset: annotation<boolean>({
    name: 'upstream-hash-by-subset',
    parse: parseBoolean,
    default: false,
    needs: 'upstream-hash-by',
    risk: 'low',
    scope: 'cluster',
    documentation: 'Hash to a fixed subset of the endpoints and balance inside it.',
  }),
  subsetSize: annotation<number>({
    name: 'upstream-hash-by-subset-size',
    parse: integerBetween(1, MAX_SUBSET),
    default: 3,
    needs: 'upstream-hash-by-subset',
    risk: 'low',
    scope: 'cluster',
    documentation: 'Endpoints in a subset, 1 to 1000.',
  }),
} as const;
