/** Runs a task once all tasks before it have ended, well or not; answers as the task does. */
export type TaskQueue = <Result>(task: () => Promise<Result>) => Promise<Result>;

/** An empty queue. */
export function createTaskQueue(): TaskQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}
