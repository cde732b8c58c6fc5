#include "app/daemon_service.h"
#include "app/places.h"
#include "ariascribe/catalogue_service.h"
#include "ariascribe/library_service.h"
#include "ariascribe/lookup_service.h"
#include "catalogue.h"
#include "verbs.h"

namespace ghost::app {

Verb ariascribe_serve_verb() {
  DaemonSpec daemon;
  daemon.program = "ariascribe";
  daemon.port = 2114;
  daemon.socket = "ariascribe";
  Verb verb = serve_verb(daemon, "answer ariascribe.v1.Catalogue and .Library on port 2114");
  verb.description += " Look-ups in single datagrams are answered on the same addresses by UDP. What is imported is known as it was when the daemon began.";
  verb.options.push_back(store_option());
  verb.run = [daemon](const Arguments& arguments) mutable {
    const auto where = places(arguments);
    if (!where) return complain("ariascribe", where.error());
    const auto knowledge = load_knowledge(arguments);
    if (!knowledge) return complain("ariascribe", knowledge.error());
    ariascribe::CatalogueService catalogue(**knowledge);
    ariascribe::LibraryService library(**knowledge, where->state);
    std::unique_ptr<ariascribe::LookupService> lookups;  // made for the node's network and gone before it
    daemon.ready = [&](b2::Node& node) -> Status {
      lookups = std::make_unique<ariascribe::LookupService>(**knowledge);
      for (const net::Address& at : node.server().addresses()) {
        if (!at.is_ip()) continue;
        if (const Status listening = lookups->listen(node.network(), at); !listening) return listening;
      }
      node.endpoint().services.add(catalogue);
      node.endpoint().services.add(library);
      return {};
    };
    daemon.stopping = [&](std::function<void()> stopped) {
      lookups.reset();
      stopped();
    };
    return run_daemon(daemon, arguments);
  };
  return verb;
}

}  // namespace ghost::app
