import { spawn } from 'node:child_process';
import { bundle, root } from './bundle.mjs';

const [main] = await bundle(['test/fake/main.ts']);
const fake = spawn(process.execPath, [main, ...(process.argv.length > 2 ? process.argv.slice(2) : ['dist', '0'])], { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => fake.kill(signal));
