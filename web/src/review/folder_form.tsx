import { useState } from 'preact/hooks';
import { wrongPath } from './proposal';

/** @param look  nothing while it cannot be asked */
export function FolderForm({ given, look, busy }: { given: string; look: ((folder: string) => void) | undefined; busy: boolean }) {
  const [wrong, setWrong] = useState('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const path = ((event.currentTarget as HTMLFormElement).elements.namedItem('folder') as HTMLInputElement).value.trim();
    const why = wrongPath(path);
    setWrong(why);
    if (why === '') look?.(path);
  };
  return (
    <form class="folder-form" onSubmit={submit} noValidate>
      <label class="field">
        <span>Folder or file, on the machine where Ghostlight runs</span>
        <input name="folder" type="text" defaultValue={given} placeholder="/srv/music/Clementi" maxLength={4096} autoComplete="off" spellcheck={false} aria-invalid={wrong !== ''} aria-describedby={wrong === '' ? undefined : 'folder-wrong'} />
      </label>
      <button type="submit" class="primary" disabled={look === undefined}>
        {busy ? 'Looking…' : 'Look'}
      </button>
      {wrong !== '' && (
        <p id="folder-wrong" class="form-wrong" role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}
