import { useEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';

type Asking = { kind: 'closed' | 'asking' | 'running' } | { kind: 'failed'; message: string };

export interface AskButtonProps {
  readonly label: string; // on the button
  readonly title?: string; // its name for a screen reader, where the label alone is not enough
  readonly question: string;
  readonly children: ComponentChildren; // what will happen
  readonly leave: string; // "Keep it running"
  readonly confirm: string;
  readonly running: string; // "Restarting…"
  readonly failed: string; // "It was not restarted"
  /** Nothing while it cannot be done. */
  readonly act: (() => Promise<unknown>) | undefined;
}

/** Does something that cannot be taken back, after asking. */
export function AskButton({ label, title, question, children, leave, confirm, running, failed, act }: AskButtonProps) {
  const [asking, setAsking] = useState<Asking>({ kind: 'closed' });
  const dialog = useRef<HTMLDialogElement>(null);
  const open = asking.kind !== 'closed';
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = () => setAsking({ kind: 'closed' });
  const run = async () => {
    if (act === undefined) return;
    setAsking({ kind: 'running' });
    try {
      await act();
      close();
    } catch (error) {
      setAsking({ kind: 'failed', message: (error as Error).message });
    }
  };
  const isRunning = asking.kind === 'running';
  return (
    <>
      <button type="button" disabled={act === undefined} aria-label={title} onClick={() => setAsking({ kind: 'asking' })}>
        {label}
      </button>
      {open && (
        <dialog ref={dialog} aria-label={question} onClose={close}>
          <h2>{question}</h2>
          <p>{children}</p>
          {asking.kind === 'failed' && (
            <p class="dialog-error" role="alert">
              {failed}: {asking.message}
            </p>
          )}
          <div class="dialog-buttons">
            <button type="button" onClick={close}>
              {leave}
            </button>
            <button type="button" class="primary" disabled={isRunning || act === undefined} onClick={() => void run()}>
              {isRunning ? running : confirm}
            </button>
          </div>
        </dialog>
      )}
    </>
  );
}
