import { useEffect, useRef, useState } from 'preact/hooks';
import type { Endpoint } from '../b2/endpoint';
import { Host } from '../gen/b2/v1/host';

type Stage = { kind: 'closed' } | { kind: 'asking' } | { kind: 'running' } | { kind: 'failed'; message: string };

/** Ends a child and starts it again, after asking. */
export function RestartButton({ name, endpoint }: { name: string; endpoint: Endpoint | undefined }) {
  const [stage, setStage] = useState<Stage>({ kind: 'closed' });
  const dialog = useRef<HTMLDialogElement>(null);
  const open = stage.kind !== 'closed';
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const restart = async () => {
    if (endpoint === undefined) return;
    setStage({ kind: 'running' });
    try {
      await endpoint.call(Host.restart, { name }, { timeoutMs: 15_000 });
      setStage({ kind: 'closed' });
    } catch (error) {
      setStage({ kind: 'failed', message: (error as Error).message });
    }
  };
  const running = stage.kind === 'running';
  return (
    <>
      <button type="button" disabled={endpoint === undefined} aria-label={`Restart ${name}`} onClick={() => setStage({ kind: 'asking' })}>
        Restart
      </button>
      {open && (
        <dialog ref={dialog} aria-labelledby={`restart-${name}`} onClose={() => setStage({ kind: 'closed' })}>
          <h2 id={`restart-${name}`}>Restart {name}?</h2>
          <p>Its open calls end with an error that says so. It is started again at once, with its counters at zero.</p>
          {stage.kind === 'failed' && (
            <p class="dialog-error" role="alert">
              It was not restarted: {stage.message}
            </p>
          )}
          <div class="dialog-buttons">
            <button type="button" onClick={() => setStage({ kind: 'closed' })}>
              Cancel
            </button>
            <button type="button" class="primary" disabled={running || endpoint === undefined} onClick={() => void restart()}>
              {running ? 'Restarting…' : `Restart ${name}`}
            </button>
          </div>
        </dialog>
      )}
    </>
  );
}
