/** Tags that would be written into a folder's files: why, how sure, before and after; written when asked to, and taken back. */
import type { Link, LinkState } from '../b2/link';
import { AskButton } from '../ui/ask_button';
import { Banner } from '../ui/banner';
import { count } from '../ui/format';
import { hashOf, routeOf } from '../ui/route';
import type { Staleness } from '../ui/staleness';
import { FolderForm } from './folder_form';
import { groupsOf, kKinds, tagsIn } from './proposal';
import { Tracks } from './tracks';
import type { Review } from './use_review';
import { WrittenList } from './written';

export const kReviewPath = '#/review';

interface ReviewPageProps {
  readonly link: Link;
  readonly linkState: LinkState;
  readonly trouble: Staleness | undefined;
  readonly hash: string;
  readonly review: Review;
}

export function ReviewPage({ link, linkState, trouble, hash, review }: ReviewPageProps) {
  const { folder, proposal, busy, failure, written } = review;
  const live = trouble === undefined && linkState.kind === 'open';
  const able = live && busy === '';
  const look = (path: string) => {
    history.replaceState(null, '', hashOf(kReviewPath, { path }));
    review.look(path);
  };
  return (
    <>
      <Banner link={link} state={linkState} trouble={trouble} asOf={undefined} />
      <div class="page review">
        <section class="card" aria-labelledby="review-title">
          <h1 id="review-title">Review</h1>
          <p class="review-what">Finds out what the tracks of a folder are, and shows what would change in their tags. Nothing is written by looking.</p>
          {/* A link may name a folder; what is on a disk is only looked at when its person asks for it. */}
          <FolderForm key={hash} given={routeOf(hash).query.get('path') || folder} look={able ? look : undefined} busy={busy === 'reading'} />
          <p role="status" class="review-status">
            {busy === 'reading' ? 'Reading the tags…' : busy === 'writing' ? 'Writing…' : busy === 'undoing' ? 'Putting the files back…' : ''}
          </p>
          {failure !== '' && (
            <p role="alert" class="message message-bad">
              <bdi>{sentence(failure)}</bdi>
            </p>
          )}
        </section>
        <WrittenList written={written} undo={able ? review.undo : undefined} />
        {proposal !== undefined && <ProposalView key={proposal.id} review={review} able={able} />}
      </div>
    </>
  );
}

function ProposalView({ review, able }: { review: Review; able: boolean }) {
  const { folder, proposal } = review;
  const groups = groupsOf(proposal!.tracks);
  const sure = groups.get('apply')!;
  const both = [...sure, ...groups.get('review')!];
  if (proposal!.tracks.length === 0)
    return (
      <p class="card nothing">
        There is no file with tags in <bdi class="path">{folder}</bdi>.
      </p>
    );
  return (
    <>
      <section class="card review-sum" aria-label="What would be written">
        <p>
          <strong>{files(proposal!.tracks.length)}</strong> in <bdi class="path">{folder}</bdi>: {both.length === 0 ? 'nothing' : `${count(tagsIn(both))} tags in ${files(both.length)}`} would change.
        </p>
        <div class="review-acts">
          {sure.length > 0 && (
            <Apply label={`Apply the ${count(sure.length)} that are sure`} tags={tagsIn(sure)} count={sure.length} act={able ? () => review.apply('apply') : undefined} />
          )}
          {both.length > sure.length && <Apply label={`Apply all ${count(both.length)}`} tags={tagsIn(both)} count={both.length} act={able ? () => review.apply('both') : undefined} />}
        </div>
      </section>
      {kKinds.map((kind) => (
        <Tracks key={kind} kind={kind} tracks={groups.get(kind)!} folder={folder} applyOne={able ? review.applyOne : undefined} />
      ))}
    </>
  );
}

interface ApplyProps {
  readonly label: string;
  readonly tags: number;
  readonly count: number;
  readonly act: (() => Promise<void>) | undefined;
}

function Apply({ label, tags, count: of, act }: ApplyProps) {
  return (
    <AskButton label={label} question={`Write ${count(tags)} tags into ${files(of)}?`} leave="Write nothing" confirm="Write" running="Writing…" failed="It was not done" act={act}>
      The music and all other tags stay as they are, and each file can be put back byte for byte.
    </AskButton>
  );
}

const files = (of: number): string => (of === 1 ? '1 file' : `${count(of)} files`);

/** What a server says, as a sentence of its own. */
function sentence(text: string): string {
  const whole = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
