import { join } from 'node:path';
import type { Namespace } from './namespace.ts';

/** A question to an echo of the lab. */
export interface Question {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Of the asker; default: any. */
  readonly localPort?: number;
}

/** What came of it. */
export interface Outcome {
  /** Who answered, and the client's address as seen there; null: nobody. */
  readonly answer: { readonly name: string; readonly client: string } | null;
  /** `ECONNREFUSED`, `timeout` (3 s), ...; null: none. */
  readonly error: string | null;
  readonly tookMs: number;
}

const FIXTURE = join(import.meta.dirname, 'fixture/ask.ts');

/** Asks echoes from somewhere, one question after the other; outcomes in their order. */
export async function ask(from: Namespace, questions: readonly Question[]): Promise<readonly Outcome[]> {
  const text = await from.exec(process.execPath, ['--disable-warning=ExperimentalWarning', FIXTURE, JSON.stringify(questions)]);
  const outcomes = JSON.parse(text) as readonly (Omit<Outcome, 'answer'> & { readonly answer: string | null })[];
  return outcomes.map(({ answer, error, tookMs }) => {
    const [name = '', client = ''] = answer?.split(' ') ?? [];
    return { answer: answer === null ? null : { name, client: client.replace(/^::ffff:/, '') }, error, tookMs };
  });
}

/** The same of one question `times` times. */
export function askOften(from: Namespace, question: Question, times: number): Promise<readonly Outcome[]> {
  return ask(from, Array.from({ length: times }, () => question));
}
