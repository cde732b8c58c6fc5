#include <iostream>

#include "app/daemon_service.h"
#include "app/places.h"
#include "ariascribe/auditor_service.h"
#include "ariascribe/catalogue_service.h"
#include "ariascribe/collection_service.h"
#include "ariascribe/library_service.h"
#include "ariascribe/live_knowledge_service.h"
#include "ariascribe/lookup_service.h"
#include "base/text.h"
#include "catalogue.h"
#include "verbs.h"

namespace ghost::app {

Verb ariascribe_serve_verb() {
  DaemonSpec daemon;
  daemon.program = "ariascribe";
  daemon.port = 2114;
  daemon.socket = "ariascribe";
  Verb verb = serve_verb(daemon, "answer ariascribe.v1.Catalogue, .Library, .Collection and .Auditor on port 2114");
  verb.description += " Look-ups in single datagrams are answered on the same addresses by UDP. What is imported meanwhile, by whichever process, is known a second later.";
  verb.options.push_back(store_option());
  verb.run = [daemon](const Arguments& arguments) mutable {
    const auto where = places(arguments);
    if (!where) return complain("ariascribe", where.error());
    auto loaded = load_knowledge(arguments);
    if (!loaded) return complain("ariascribe", loaded.error());
    const auto index = index_directory(arguments);
    if (!index) return complain("ariascribe", index.error());
    const ariascribe::LiveKnowledge knowledge{std::shared_ptr<const ariascribe::Knowledge>(std::move(*loaded))};
    ariascribe::CatalogueService catalogue(knowledge);
    ariascribe::LibraryService library(knowledge, where->state);
    ariascribe::IndexFollower follower(knowledge, *index, [] { return ariascribe::Repertoire::embedded(); }, [](const Result<std::size_t>& works) {
      if (!works) std::cerr << "ariascribe: the index is not read: " << printable(works.error().message) << "\n";
    });
    const auto store = catalogue_place(arguments);
    if (!store) return complain("ariascribe", store.error());
    // Made for the node's network, and stopped before it goes; a call on one of the node's threads may still need them until then.
    std::unique_ptr<ariascribe::LookupService> lookups;
    std::unique_ptr<ariascribe::CollectionService> collection;
    std::unique_ptr<ariascribe::AuditorService> auditor;
    daemon.ready = [&](b2::Node& node) -> Status {
      follower.follow();  // a thread from before would take the signals that the daemon waits for
      lookups = std::make_unique<ariascribe::LookupService>(knowledge);
      for (const net::Address& at : node.server().addresses()) {
        if (!at.is_ip()) continue;
        if (const Status listening = lookups->listen(node.network(), at); !listening) return listening;
      }
      node.endpoint().services.add(catalogue);
      node.endpoint().services.add(library);
      collection = std::make_unique<ariascribe::CollectionService>(node.network().reactor(), ariascribe::CollectionPlaces{*store, where->state, *index}, [] { return ariascribe::Repertoire::embedded(); }, [&follower] { follower.nudge(); });
      node.endpoint().services.add(*collection);
      auditor = std::make_unique<ariascribe::AuditorService>(node.network().reactor(), knowledge);
      node.endpoint().services.add(*auditor);
      return {};
    };
    daemon.stopping = [&](std::function<void()> stopped) {
      lookups.reset();
      collection->stop();
      auditor->stop();
      stopped();
    };
    daemon.ended = [&] {
      if (collection) collection->stop();
      if (auditor) auditor->stop();
    };
    return run_daemon(daemon, arguments);
  };
  return verb;
}

}  // namespace ghost::app
