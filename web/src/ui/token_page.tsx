/** Shown when the page has no token, or one that the server does not take: how to get the link that has it. */
import { useState } from 'preact/hooks';
import { tokenIn } from '../token';

export function TokenPage({ refusal, onToken }: { refusal?: string | undefined; onToken: (token: string) => void }) {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const token = tokenIn(text);
    setWrong(token === undefined);
    if (token !== undefined) onToken(token);
  };
  return (
    <div class="gate">
      <h1>{refusal === undefined ? 'This console opens with a link' : 'The server did not take this link'}</h1>
      {refusal !== undefined && (
        <p class="gate-refusal" role="alert">
          {refusal}
        </p>
      )}
      <p>
        Other users of this machine are strangers to Ghostlight, so the console asks for a token that only you can see. It is part of a link.
      </p>
      <ol>
        <li>
          In a terminal on the machine where Ghostlight runs: <code class="command">ghostlight status</code>
          <span class="gate-note">
            The same link was printed when it started: <code>{location.origin}/#t=…</code>
          </span>
        </li>
        <li>Open the link it prints, or paste it here.</li>
      </ol>
      <form onSubmit={submit} noValidate>
        <label for="token">Link or token</label>
        <div class="gate-row">
          <input
            id="token"
            type="text"
            value={text}
            autoComplete="off"
            spellcheck={false}
            placeholder={`${location.origin}/#t=…`}
            aria-invalid={wrong}
            aria-describedby={wrong ? 'token-wrong' : undefined}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <button type="submit" class="primary">
            Open
          </button>
        </div>
        {wrong && (
          <p id="token-wrong" class="gate-wrong" role="alert">
            That holds no token. It is what follows <code>#t=</code> in the link.
          </p>
        )}
      </form>
    </div>
  );
}
