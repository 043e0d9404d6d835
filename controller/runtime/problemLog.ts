import { printProblem, type Problem } from '../../core/ir/problem.ts';
import type { Logger } from '../../core/log/logger.ts';

/**
 * Makes a function that is told all problems after each change and logs each one when it appears and when it goes,
 * once. Lines that only move inside a file count as the same problem.
 */
export function createProblemLog(logger: Logger): (problems: readonly Problem[]) => void {
  let known: ReadonlyMap<string, Problem> = new Map();
  return (problems) => {
    const present = new Map(problems.map((problem) => [identity(problem), problem]));
    for (const [key, problem] of present) if (!known.has(key)) logAppeared(logger, problem);
    for (const [key, problem] of known) if (!present.has(key)) logger.info(`solved: ${printProblem(problem)}`);
    known = present;
  };
}

function logAppeared(logger: Logger, problem: Problem): void {
  switch (problem.severity) {
    case 'error':
      logger.error(printProblem(problem));
      return;
    case 'warning':
      logger.warn(printProblem(problem));
      return;
  }
}

function identity(problem: Problem): string {
  const position = problem.position === null ? null : { ...problem.position, line: 0 };
  return printProblem({ ...problem, position });
}
