// npm run check [-- --junit FILE]: types, unit tests, the bundle as committed, an existing Connect client, browser tests. Ends with "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { root } from './bundle.mjs';
import { browserMissing, closingLine, hostMissing, runTests } from './run_tests.mjs';

const cases = [];

/** A command as one test. */
function command(name, program, ...args) {
  const start = Date.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  const output = `${stdout ?? ''}${stderr ?? ''}${error ?? ''}`.trim();
  const failure = status === 0 ? undefined : output || `exit status ${status}`;
  cases.push({ name, seconds: (Date.now() - start) / 1000, failure });
  console.log(`${failure === undefined ? '✔' : '✖'} ${name}${failure === undefined ? '' : `\n${failure}`}`);
}

/** Tests of a kind where what they need is there; without it they have failed in CI, and are left out elsewhere. */
async function where(kind, missing) {
  if (missing === undefined) {
    cases.push(...(await runTests(kind)));
  } else if (process.env.CI) {
    cases.push({ name: `${kind} tests`, seconds: 0, failure: missing });
    console.log(`✖ ${kind} tests: ${missing}`);
  } else {
    cases.push({ name: `${kind} tests`, seconds: 0, skipped: true });
    console.log(`○ ${kind} tests skipped: ${missing}`);
  }
}

const escaped = (text) => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[^\t\n\r\x20-\ufffd]/g, '');

function junit() {
  const body = cases.map(({ name, seconds, failure, skipped }) => {
    const inside = failure !== undefined ? `<failure>${escaped(failure)}</failure>` : skipped ? '<skipped/>' : '';
    return `  <testcase classname="web" name="${escaped(name)}" time="${seconds.toFixed(3)}">${inside}</testcase>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="web" tests="${cases.length}">\n${body.join('\n')}\n</testsuite></testsuites>\n`;
}

command('the types hold', 'node_modules/.bin/tsc', '--noEmit');
cases.push(...(await runTests('unit')));
command('the bundle is what the sources make', './compare-bundle.sh');
await where('connect', hostMissing());
await where('browser', browserMissing());

const at = process.argv.indexOf('--junit');
if (at > 0) writeFileSync(process.argv[at + 1], junit());
console.log(`${basename(root)}: ${closingLine(cases)}`);
process.exitCode = cases.some(({ failure }) => failure !== undefined) ? 1 : 0;
