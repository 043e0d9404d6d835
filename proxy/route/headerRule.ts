import { RE2JS } from 're2js';
import type { HeaderRule } from '../../core/ir/virtualHost.ts';

/** What a rule says about one canary: take it, keep off it, or ask the next rule. */
export type Verdict = 'choose' | 'refuse' | 'pass';

/** Judges the value of the rule's header, given that the request has it. */
export type HeaderJudge = (value: string) => Verdict;

/** Most instructions of a compiled pattern: matching costs at most this times the length of the value. */
export const MAX_PATTERN_INSTRUCTIONS = 500;

/** Longest header value that is searched; a longer one matches nothing. 500 instructions over it take some 10 ms at worst. */
const MAX_VALUE_CHARS = 1024;

/** Compiles a header rule (ingress-nginx `canary-by-header*`). Never throws: what cannot run refuses the canary. */
export function compileHeaderRule(rule: HeaderRule): HeaderJudge {
  switch (rule.type) {
    case 'alwaysNever':
      return judgeAlwaysNever;
    case 'value':
      return (value) => (value === rule.value ? 'choose' : 'pass');
    case 'pattern':
      return compilePattern(rule.pattern);
    case 'refuse':
      return refuse;
  }
}

/** `always` chooses, `never` refuses, anything else says nothing: headers and cookies alike. */
export function judgeAlwaysNever(value: string): Verdict {
  if (value === 'always') return 'choose';
  return value === 'never' ? 'refuse' : 'pass';
}

function refuse(): Verdict {
  return 'refuse';
}

/** RE2 runs in time linear in the value, so no pattern in an annotation can stall a worker. */
function compilePattern(pattern: string): HeaderJudge {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch {
    // Reported where the annotation is read; the reference sends such requests to the primary.
    return refuse;
  }
  if (compiled.programSize() > MAX_PATTERN_INSTRUCTIONS) return refuse;
  return (value) => (value.length <= MAX_VALUE_CHARS && compiled.test(value) ? 'choose' : 'pass');
}
