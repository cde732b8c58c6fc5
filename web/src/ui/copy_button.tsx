import { useEffect, useState } from 'preact/hooks';
import { CheckIcon, CopyIcon } from './icons';

/** Puts `text` on the clipboard; `what` names it for a screen reader. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <button type="button" class="copy" onClick={copy} aria-label={copied ? `Copied ${what}` : `Copy ${what}`} title={`Copy ${what}`}>
      {copied ? <CheckIcon /> : <CopyIcon />}
    </button>
  );
}
