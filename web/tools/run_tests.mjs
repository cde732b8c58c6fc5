// node tools/run_tests.mjs unit|connect|browser [name of a file …]: bundles the tests and runs them with Node's own runner.
// Ends with "N passed, N failed, N skipped"; used by tools/check.mjs too.
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { pathToFileURL } from 'node:url';
import { bundle, root } from './bundle.mjs';

const kKinds = {
  unit: { folder: 'src', suffix: /\.test\.tsx?$/ },
  connect: { folder: 'test/connect', suffix: /\.test\.ts$/ },
  browser: { folder: 'test/browser', suffix: /\.test\.ts$/ },
};

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)]));
}

/** Runs the tests of a kind; gives {name, seconds, failure?, skipped?} of each. */
export async function runTests(kind, wanted = []) {
  const { folder, suffix } = kKinds[kind];
  const files = filesIn(join(root, folder))
    .map((file) => relative(root, file))
    .filter((file) => suffix.test(file) && (wanted.length === 0 || wanted.some((part) => file.includes(part))))
    .sort();
  const bundled = await bundle(files);
  const cases = [];
  const ended = (data, failure) => {
    if (data.details.type === 'suite' || bundled.includes(data.name) || bundled.includes(join(root, data.name))) {
      // A file or group fails when one of its tests does, which is counted; or by itself, which must be told.
      if (failure === undefined || data.details.error?.failureType === 'subtestsFailed') return;
    }
    const skipped = data.skip !== undefined && data.skip !== false;
    cases.push({ name: data.name, seconds: (data.details.duration_ms ?? 0) / 1000, failure, skipped });
    console.log(`${failure !== undefined ? '✖' : skipped ? '○' : '✔'} ${data.name}${failure === undefined ? '' : `\n${failure}`}`);
  };
  const stream = run({ files: bundled, concurrency: kind === 'unit' ? 2 : 1, timeout: 10 * 60_000 });
  stream.on('test:pass', (data) => ended(data));
  stream.on('test:fail', (data) => ended(data, describe(data.details.error)));
  stream.on('test:stdout', ({ message }) => process.stdout.write(message));
  stream.on('test:stderr', ({ message }) => process.stderr.write(message));
  await new Promise((resolve) => {
    stream.on('end', resolve);
    stream.resume();
  });
  return cases;
}

function describe(error) {
  const cause = error?.cause ?? error;
  return (cause?.stack ?? String(cause)).split('\n').map((line) => `    ${line}`).join('\n');
}

/** Why the browser tests cannot run here, or nothing. */
export function browserMissing() {
  return existsSync('/usr/bin/chromium') ? undefined : 'there is no /usr/bin/chromium (Debian package chromium)';
}

/** Why the tests against a host cannot run here, or nothing. */
export function hostMissing() {
  const bin = process.env.GHOST_BIN;
  if (!bin) return 'GHOST_BIN does not name the folder of the programs (build/dev/bin)';
  return existsSync(join(bin, 'ghostlight')) ? undefined : `there is no ${join(bin, 'ghostlight')}`;
}

export function closingLine(cases) {
  const failed = cases.filter(({ failure }) => failure !== undefined).length;
  const skipped = cases.filter(({ skipped: is }) => is).length;
  return `${cases.length - failed - skipped} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind, ...wanted] = process.argv.slice(2);
  const cases = await runTests(kind, wanted);
  console.log(closingLine(cases));
  process.exitCode = cases.length === 0 || cases.some(({ failure }) => failure !== undefined) ? 1 : 0;
}
