import { Engine } from './engine.ts';
import { runWorker } from './process/runWorker.ts';

runWorker((options) => new Engine(options));
