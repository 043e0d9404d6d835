import { startBackend } from './backend.ts';

/** A backend as a process of its own: `backendMain.ts NAME PORT`; says its port over IPC. Answers with its name. */
const [name = '', port = '0'] = process.argv.slice(2);
const backend = await startBackend(
  name,
  (request, response) => {
    request.resume();
    request.on('end', () => response.end(name));
  },
  Number(port),
);
// Whoever started it is gone, however that came about.
process.on('disconnect', () => process.exit());
process.send?.(backend.port);
