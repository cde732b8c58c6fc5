/** How much of something is done, or there is. @param share  0 … 1 */
export function Bar({ share, label, role = 'progressbar' }: { share: number; label: string; role?: 'progressbar' | 'meter' }) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
  return (
    <div class="bar" role={role} aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(percent)}>
      <span style={{ transform: `translateX(${percent - 100}%)` }} />
    </div>
  );
}
