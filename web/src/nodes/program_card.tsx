import type { Endpoint } from '../b2/endpoint';
import { Health, type ServiceEntry } from '../gen/b2/v1/hello';
import { ChildState } from '../gen/b2/v1/host';
import { Fact } from '../ui/fact';
import { bytes, count, duration, percent } from '../ui/format';
import type { Program } from './programs';
import { RestartButton } from './restart_button';

interface Look {
  readonly text: string;
  readonly tone: 'good' | 'busy' | 'warn' | 'bad' | 'none';
}

export function lookOf(program: Program): Look {
  switch (program.state) {
    case ChildState.starting:
      return { text: 'starting', tone: 'busy' };
    case ChildState.ready:
      return { text: 'ready', tone: 'good' };
    case ChildState.backing_off:
      return { text: `starts again in ${(program.nextStartMs / 1000).toFixed(1)} s`, tone: 'warn' };
    case ChildState.failed:
      return { text: 'failed', tone: 'bad' };
    case ChildState.ending:
      return { text: 'ending', tone: 'busy' };
    case ChildState.stopped:
      return { text: 'stopped', tone: 'none' };
    default:
      return { text: 'unknown', tone: 'none' };
  }
}

function healthOf(service: ServiceEntry): Look {
  switch (service.health) {
    case Health.serving:
      return { text: 'serving', tone: 'good' };
    case Health.starting:
      return { text: 'starting', tone: 'busy' };
    case Health.not_serving:
      return { text: 'not serving', tone: 'bad' };
    default:
      return { text: 'health unknown', tone: 'none' };
  }
}

const kNone = <span class="nothing">–</span>;

/** @param endpoint  where to ask for a restart; nothing while the page is not live */
export function ProgramCard({ program, endpoint }: { program: Program; endpoint: Endpoint | undefined }) {
  const look = lookOf(program);
  const running = program.isHost || program.pid !== 0;
  return (
    <li class={`program tone-${look.tone}`}>
      <div class="program-name">
        <h3>{program.name}</h3>
        <span class={`state tone-${look.tone}`}>
          <span class="dot" aria-hidden="true" />
          {program.isHost ? 'host' : look.text}
        </span>
      </div>
      <dl class="figures">
        <Fact name="Up">{running ? duration(program.uptimeMs) : kNone}</Fact>
        <Fact name="CPU">{running && program.cpuPercent !== undefined ? percent(program.cpuPercent) : kNone}</Fact>
        <Fact name="Memory">{running ? bytes(program.residentBytes) : kNone}</Fact>
        <Fact name="Pid">{program.pid === 0 ? kNone : program.pid}</Fact>
        <Fact name="Restarts">{program.isHost ? kNone : count(program.restarts)}</Fact>
        <Fact name="Listens on">{program.addresses.length === 0 ? kNone : program.addresses.map((address) => <code key={address}>{address}</code>)}</Fact>
      </dl>
      <div class="program-act">{!program.isHost && <RestartButton name={program.name} endpoint={endpoint} />}</div>
      <div class="program-more">
        {program.services.length > 0 && (
          <ul class="services" aria-label={`Services of ${program.name}`}>
            {program.services.map((service) => (
              <ServiceTag key={service.name} service={service} />
            ))}
          </ul>
        )}
        {program.lastExit !== '' && (
          <p class="last-exit">
            <span>Last exit</span> {program.lastExit}
          </p>
        )}
        {program.logTail !== '' && (
          <details class="log">
            <summary>Log</summary>
            <pre tabIndex={0} aria-label={`Last lines of ${program.name}'s log`}>
              {program.logTail.trimEnd()}
            </pre>
          </details>
        )}
      </div>
    </li>
  );
}

function ServiceTag({ service }: { service: ServiceEntry }) {
  const health = healthOf(service);
  return (
    <li class={`service tone-${health.tone}`}>
      <span class="dot" aria-hidden="true" />
      <span class="service-name">{service.name}</span> {service.version !== '' && <span class="service-version">{service.version}</span>}{' '}
      <span class="service-health">{health.text}</span>
    </li>
  );
}
