import type { Endpoint } from '../b2/endpoint';
import { Host } from '../gen/b2/v1/host';
import { AskButton } from '../ui/ask_button';

/** Ends a child and starts it again, after asking. */
export function RestartButton({ name, endpoint }: { name: string; endpoint: Endpoint | undefined }) {
  return (
    <AskButton
      label="Restart"
      title={`Restart ${name}`}
      question={`Restart ${name}?`}
      leave="Cancel"
      confirm={`Restart ${name}`}
      running="Restarting…"
      failed="It was not restarted"
      act={endpoint && (() => endpoint.call(Host.restart, { name }, { timeoutMs: 15_000 }))}
    >
      Its open calls end with an error that says so. It is started again at once, with its counters at zero.
    </AskButton>
  );
}
