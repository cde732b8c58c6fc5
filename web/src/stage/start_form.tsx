import { useState } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import { Status, type B2Error } from '../b2/status';
import { Stage } from '../gen/ghostlight/v1/stage';

const kTimeoutMs = 15_000;

/** Starts the job on a path of the machine where Ghostlight runs. @param endpoint  nothing while not live */
export function StartForm({ endpoint }: { endpoint: Endpoint | undefined }) {
  const [wrong, setWrong] = useState('');
  const [starting, setStarting] = useState(false);
  const start = async (form: HTMLFormElement) => {
    const field = (name: string) => (form.elements.namedItem(name) as HTMLInputElement).value.trim();
    const paths = { source: field('source'), titles: field('titles'), into: field('into') };
    const receivers = field('receivers');
    const relative = Object.values(paths).find((path) => path !== '' && !path.startsWith('/'));
    if (paths.source === '') return setWrong('Give the path of an image, a folder or a drive.');
    if (relative !== undefined) return setWrong(`“${relative}” is not a whole path: it has to begin with “/”.`);
    if (!/^\d{0,6}$/.test(receivers)) return setWrong('The receivers are a number, or nothing for as many as the host has.');
    setStarting(true);
    setWrong('');
    try {
      await endpoint!.call(Stage.start, { ...paths, receivers: Number(receivers) }, { timeoutMs: kTimeoutMs });
    } catch (error) {
      const { status, message } = error as B2Error;
      const hint = status === Status.refused || status === Status.unauthenticated ? ' Start it in a terminal instead, with the command above.' : '';
      setWrong(`It was not started: ${message}${/[.!?]$/.test(message) ? '' : '.'}${hint}`);
    }
    setStarting(false);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void start(event.currentTarget as HTMLFormElement);
  };
  return (
    <form class="start-form" onSubmit={submit} noValidate aria-label="Start a job">
      <Field name="source" label="Image, folder or drive" hint="/srv/discs/recital.cue" wide />
      <Field name="titles" label="File with its titles" hint="for a disc without CD-TEXT" />
      <Field name="into" label="Album’s folder" hint="one in Ghostlight’s state" />
      <Field name="receivers" label="Receivers" hint="as the host has" numeric />
      <button type="submit" class="primary" disabled={endpoint === undefined || starting}>
        {starting ? 'Starting…' : 'Start'}
      </button>
      {wrong !== '' && (
        <p class="form-wrong" role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}

function Field({ name, label, hint, numeric = false, wide = false }: { name: string; label: string; hint: string; numeric?: boolean; wide?: boolean }) {
  return (
    <label class={wide ? 'field field-wide' : 'field'}>
      <span>{label}</span>
      <input name={name} type="text" inputMode={numeric ? 'numeric' : 'text'} placeholder={hint} autoComplete="off" spellcheck={false} required={wide} />
    </label>
  );
}
