#include "discovery/kubernetes/kubernetes_watcher.hpp"

#include <gmock/gmock.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using outcome = kubernetes_outcome;
using kind = kubernetes_change::kind;
using todo = kubernetes_todo::kind;
using names = std::vector<std::string>;

constexpr time_point start{1'000s};

kubernetes_slice slice(const std::string& name, std::vector<kubernetes_endpoint> endpoints) {
  return {.name = name, .endpoints = std::move(endpoints), .port = 7420};
}

/// Pod p at 10.0.0.p.
kubernetes_endpoint pod(int number, bool is_terminating = false) {
  const auto text = std::to_string(number);
  return {"10.0.0." + text, "uid" + text, is_terminating};
}

std::string at(int number) {
  return "10.0.0." + std::to_string(number) + ":7420";
}

kubernetes_list list(std::vector<kubernetes_slice> slices, const std::string& version = "7") {
  return {.version = version, .slices = std::move(slices)};
}

kubernetes_change set(kubernetes_slice what, const std::string& version = "8") {
  return {.what = kind::set, .version = version, .slice = std::move(what)};
}

kubernetes_change removed(const std::string& name, const std::string& version = "8") {
  return {.what = kind::removed, .version = version, .slice = {.name = name, .endpoints = {}}};
}

kubernetes_change error(unsigned status) {
  return {.what = kind::error, .version = {}, .slice = {}, .status = status};
}

/// What was told, as text: addresses, one error in words, or "nothing".
names told(const kubernetes_watcher::step& step) {
  if (!step.tell) return {"nothing"};
  if (!*step.tell)
    return {"error: " + std::string(name(static_cast<outcome>(step.tell->error().value())))};
  names out;
  for (const auto& each : **step.tell) out.push_back(each.address);
  return out;
}

const names nothing{"nothing"};

class KubernetesWatcherTest : public testing::Test {
 protected:
  kubernetes_watcher::step fail(outcome why, std::optional<milliseconds> retry_after = {}) {
    return watcher.failed({.outcome = why, .retry_after = retry_after}, now, random);
  }

  kubernetes_watcher::step change(const kubernetes_change& what) {
    return watcher.changed(what, now, random);
  }

  /// Known: pods 1 and 2, and a watch that has lived for a while.
  void know_two() {
    watcher.listed(list({slice("a", {pod(1), pod(2)})}), now, random);
    watcher.watching(now);
    now += 10s;
  }

  kubernetes_rules rules{.linger = 0ms};
  kubernetes_watcher watcher{rules};
  time_point now = start;
  std::uint64_t random = 0;
};

TEST_F(KubernetesWatcherTest, BeginsWithAList) {
  const auto first = watcher.begin(now);
  EXPECT_EQ(first.what, todo::list);
  EXPECT_EQ(first.at, now);
  EXPECT_EQ(first.version, "");
}

TEST_F(KubernetesWatcherTest, WatchesFromTheVersionOfTheList) {
  const auto step = watcher.listed(list({slice("a", {pod(1)})}, "42"), now, random);
  EXPECT_THAT(told(step), ElementsAre(at(1)));
  ASSERT_TRUE(step.next);
  EXPECT_EQ(step.next->what, todo::watch);
  EXPECT_EQ(step.next->at, now);
  EXPECT_EQ(step.next->version, "42");
  EXPECT_LE(step.next->timeout, 300s);
  EXPECT_GE(step.next->timeout, 240s);
  EXPECT_EQ(watcher.count(outcome::answered), 1u);
}

TEST_F(KubernetesWatcherTest, TheTimeOfAWatchIsSpread) {
  for (const std::uint64_t each : {0u, 1u, 30'000u, 60'000u, 123'456'789u}) {
    const auto step = kubernetes_watcher().listed(list({slice("a", {pod(1)})}), now, each);
    EXPECT_LE(step.next->timeout, 300s) << each;
    EXPECT_GE(step.next->timeout, 240s) << each;
  }
}

TEST_F(KubernetesWatcherTest, TellsWhoServesAndWhenThatChanges) {
  auto first = pod(1);
  auto second = pod(2);
  first.is_serving = true;
  second.is_serving = false;
  const auto marks = [](const kubernetes_watcher::step& step) {
    std::vector<std::optional<bool>> out;
    if (!step.tell || !*step.tell) return out;
    for (const auto& each : **step.tell) out.push_back(each.is_serving);
    return out;
  };
  const auto listed = watcher.listed(list({slice("a", {first, second, pod(3)})}), now, random);
  EXPECT_THAT(marks(listed), ElementsAre(true, false, std::nullopt));
  second.is_serving = true;
  const auto changed = change(set(slice("a", {first, second, pod(3)})));
  EXPECT_THAT(marks(changed), ElementsAre(true, true, std::nullopt));
  EXPECT_EQ(told(change(set(slice("a", {second, first, pod(3)})))), nothing);
  second.is_serving = false;
  const auto doubled = change(set(slice("b", {second})));  // it serves by the other slice
  EXPECT_EQ(told(doubled), nothing);
}

TEST_F(KubernetesWatcherTest, AllSlicesCountTogether) {
  const auto step =
      watcher.listed(list({slice("a", {pod(1), pod(2)}), slice("b", {pod(2), pod(3)})}), now, 0);
  EXPECT_THAT(told(step), ElementsAre(at(1), at(2), at(3)));
}

TEST_F(KubernetesWatcherTest, APodIsOneCandidateWhateverItsAddresses) {
  kubernetes_slice six = slice("six", {{"fd00::1", "uid1", false}, {"fd00::2", "uid2", false}});
  const auto step = watcher.listed(list({six, slice("v4", {pod(1)})}), now, 0);
  EXPECT_THAT(told(step), ElementsAre(at(1), "[fd00::2]:7420"));
}

TEST_F(KubernetesWatcherTest, ATerminatingPodIsNone) {
  const auto step = watcher.listed(
      list({slice("a", {pod(1), pod(2, true)}), slice("b", {pod(2), pod(3)})}), now, random
  );
  EXPECT_THAT(told(step), ElementsAre(at(1), at(3)));
}

TEST_F(KubernetesWatcherTest, AnAddressThatAnotherPodHasTakenOverStays) {
  const auto step = watcher.listed(
      list({slice("a", {{"10.0.0.1", "old", true}, {"10.0.0.1", "new", false}})}), now, random
  );
  EXPECT_THAT(told(step), ElementsAre(at(1)));
}

TEST_F(KubernetesWatcherTest, EventsChangeTheCandidates) {
  know_two();
  EXPECT_THAT(told(change(set(slice("b", {pod(3)})))), ElementsAre(at(1), at(2), at(3)));
  EXPECT_THAT(told(change(set(slice("a", {pod(1), pod(2, true)})))), ElementsAre(at(1), at(3)));
  EXPECT_THAT(told(change(removed("b"))), ElementsAre(at(1)));
  EXPECT_EQ(watcher.count(outcome::answered), 4u);
}

TEST_F(KubernetesWatcherTest, WhoGoesStaysForAMoment) {
  rules.linger = 3s;
  watcher = kubernetes_watcher{rules};
  know_two();
  EXPECT_FALSE(watcher.due());
  EXPECT_EQ(told(change(set(slice("a", {pod(1), pod(2, true)})))), nothing);
  EXPECT_EQ(watcher.due(), now + 3s);
  now += 1s;
  EXPECT_EQ(told(change(set(slice("a", {pod(1)})))), nothing);
  EXPECT_EQ(watcher.due(), now + 2s);
  now += 1'999ms;
  EXPECT_EQ(told(watcher.tick(now)), nothing);
  now += 1ms;
  EXPECT_THAT(told(watcher.tick(now)), ElementsAre(at(1)));
  EXPECT_FALSE(watcher.due());
}

TEST_F(KubernetesWatcherTest, WhoMovesFromSliceToSliceStays) {
  rules.linger = 3s;
  watcher = kubernetes_watcher{rules};
  know_two();
  EXPECT_EQ(told(change(set(slice("a", {pod(1)})))), nothing);
  EXPECT_EQ(told(change(set(slice("b", {pod(2)})))), nothing);
  EXPECT_FALSE(watcher.due());
  now += 10s;
  EXPECT_EQ(told(watcher.tick(now)), nothing);
}

TEST_F(KubernetesWatcherTest, NobodyLeftDropsNobodyLater) {
  rules.linger = 3s;
  watcher = kubernetes_watcher{rules};
  know_two();
  change(removed("a"));
  EXPECT_FALSE(watcher.due());
  now += 10s;
  EXPECT_EQ(told(watcher.tick(now)), nothing);
  EXPECT_THAT(told(change(set(slice("a", {pod(1), pod(2)})))), ElementsAre(at(1), at(2)));
}

TEST_F(KubernetesWatcherTest, ThoseWhoLeaveAreBounded) {
  rules.linger = 3s;
  rules.most_candidates = 2;
  watcher = kubernetes_watcher{rules};
  know_two();
  EXPECT_THAT(
      told(change(set(slice("a", {pod(3), pod(4)})))), ElementsAre(at(1), at(2), at(3), at(4))
  );
  EXPECT_THAT(told(change(set(slice("a", {pod(5), pod(6)})))), ElementsAre(at(5), at(6)));
}

TEST_F(KubernetesWatcherTest, AnEventThatChangesNothingIsNoNews) {
  know_two();
  const auto step = change(set(slice("a", {pod(2), pod(1)})));
  EXPECT_EQ(told(step), nothing);
  EXPECT_FALSE(step.next);
}

TEST_F(KubernetesWatcherTest, NobodyLeftIsAFailureThatChangesNothing) {
  know_two();
  EXPECT_THAT(told(change(removed("a"))), ElementsAre("error: empty"));
  EXPECT_EQ(told(change(set(slice("a", {})))), nothing);
  EXPECT_EQ(told(change(set(slice("a", {pod(1, true)})))), nothing);
  EXPECT_EQ(watcher.count(outcome::empty), 3u);
  EXPECT_THAT(told(change(set(slice("a", {pod(1), pod(2)})))), ElementsAre(at(1), at(2)));
}

TEST_F(KubernetesWatcherTest, AnEmptyListIsToldAsSuch) {
  const auto step = watcher.listed(list({}), now, random);
  EXPECT_THAT(told(step), ElementsAre("error: empty"));
  EXPECT_EQ(step.next->what, todo::watch);
  EXPECT_THAT(told(change(set(slice("a", {pod(1)})))), ElementsAre(at(1)));
}

TEST_F(KubernetesWatcherTest, ASliceWithoutThePortFreezesEverything) {
  know_two();
  auto without = slice("b", {pod(3)});
  without.port = 0;
  EXPECT_THAT(told(change(set(without))), ElementsAre("error: no_port"));
  EXPECT_THAT(told(change(removed("b"))), ElementsAre(at(1), at(2)));
  without.endpoints.clear();
  EXPECT_EQ(told(change(set(without))), nothing);
}

TEST_F(KubernetesWatcherTest, BookmarksMoveTheVersion) {
  know_two();
  EXPECT_EQ(told(change({.what = kind::bookmark, .version = "99", .slice = {}})), nothing);
  const auto step = watcher.ended(now, random);
  EXPECT_EQ(step.next->what, todo::watch);
  EXPECT_EQ(step.next->version, "99");
}

TEST_F(KubernetesWatcherTest, EventsMoveTheVersion) {
  know_two();
  change(set(slice("b", {pod(3)}), "55"));
  EXPECT_EQ(watcher.ended(now, random).next->version, "55");
}

TEST_F(KubernetesWatcherTest, AWatchThatEndsIsFollowedByTheNext) {
  know_two();
  const auto step = watcher.ended(now, random);
  EXPECT_EQ(step.next->what, todo::watch);
  EXPECT_EQ(step.next->at, now);
  EXPECT_EQ(step.next->version, "7");
  EXPECT_EQ(told(step), nothing);
}

TEST_F(KubernetesWatcherTest, WatchesThatEndAtOnceDoNotSpin) {
  watcher.listed(list({slice("a", {pod(1)})}), now, random);
  watcher.watching(now);
  EXPECT_EQ(watcher.ended(now, random).next->at, now + rules.gap);
}

TEST_F(KubernetesWatcherTest, ListsAnewWithinFiveAndAHalfMinutes) {
  for (const std::uint64_t each : {0u, 17'000u, 60'000u}) {
    kubernetes_watcher fresh{rules};
    random = each;
    auto step = fresh.listed(list({slice("a", {pod(1)})}), start, random);
    now = start;
    while (step.next->what == todo::watch) {
      now = std::max(now, step.next->at);
      fresh.watching(now);
      now += step.next->timeout;
      step = fresh.ended(now, random);
    }
    EXPECT_GE(step.next->at - start, 240s) << each;
    EXPECT_LE(step.next->at - start, 332s) << each;
  }
}

TEST_F(KubernetesWatcherTest, ARelistReplacesWhatWasKnown) {
  know_two();
  EXPECT_THAT(
      told(watcher.listed(list({slice("b", {pod(2), pod(3)})}), now, random)),
      ElementsAre(at(2), at(3))
  );
}

TEST_F(KubernetesWatcherTest, TheFirstFailureOfAllIsTold) {
  watcher.begin(now);
  const auto step = fail(outcome::failed);
  EXPECT_THAT(told(step), ElementsAre("error: failed"));
  EXPECT_EQ(step.next->what, todo::list);
  EXPECT_EQ(told(fail(outcome::failed)), nothing);
  EXPECT_THAT(told(fail(outcome::timed_out)), ElementsAre("error: timed_out"));
}

TEST_F(KubernetesWatcherTest, AWatchThatIsCutOnceGoesOnQuietly) {
  know_two();
  const auto step = fail(outcome::failed);
  EXPECT_EQ(told(step), nothing);
  EXPECT_EQ(step.next->what, todo::watch);
  EXPECT_EQ(step.next->version, "7");
  EXPECT_EQ(step.next->at, now + rules.backoff);
  EXPECT_EQ(watcher.count(outcome::failed), 1u);
}

TEST_F(KubernetesWatcherTest, ASecondFailureIsToldAndLists) {
  know_two();
  fail(outcome::failed);
  const auto step = fail(outcome::failed);
  EXPECT_THAT(told(step), ElementsAre("error: failed"));
  EXPECT_EQ(step.next->what, todo::list);
  fail(outcome::failed);
  EXPECT_THAT(
      told(watcher.listed(list({slice("a", {pod(1), pod(2)})}), now, random)),
      ElementsAre(at(1), at(2))
  );
}

TEST_F(KubernetesWatcherTest, AListDoesNotEndTheTroubleOfWatches) {
  const auto both = list({slice("a", {pod(1), pod(2)})});
  watcher.listed(both, now, random);
  EXPECT_THAT(told(fail(outcome::watch_forbidden)), ElementsAre("error: watch_forbidden"));
  for (int i = 0; i != 20; ++i) {
    now += 10s;
    EXPECT_EQ(told(watcher.listed(both, now, random)), nothing);
    EXPECT_EQ(told(fail(outcome::watch_forbidden)), nothing);
  }
}

TEST_F(KubernetesWatcherTest, WatchesThatAreTakenOnAndBreakAreOneTrouble) {
  const auto both = list({slice("a", {pod(1), pod(2)})});
  watcher.listed(both, now, random);
  int told_errors = 0;
  for (int i = 0; i != 20; ++i) {
    watcher.watching(now);
    now += 1s;
    told_errors += told(fail(outcome::failed)) != nothing;
    EXPECT_EQ(told(watcher.listed(both, now, random)), nothing);
  }
  EXPECT_EQ(told_errors, 1);
}

TEST_F(KubernetesWatcherTest, ListsGoOnToTellWhoIsThereWhileWatchesFail) {
  watcher.listed(list({slice("a", {pod(1)})}), now, random);
  fail(outcome::watch_forbidden);
  EXPECT_THAT(
      told(watcher.listed(list({slice("a", {pod(1), pod(2)})}), now, random)),
      ElementsAre(at(1), at(2))
  );
  EXPECT_EQ(told(fail(outcome::watch_forbidden)), nothing) << "it was told before";
}

TEST_F(KubernetesWatcherTest, TheTroubleOfWatchesEndsWithOneThatLives) {
  know_two();
  EXPECT_THAT(told(fail(outcome::watch_forbidden)), ElementsAre("error: watch_forbidden"));
  EXPECT_EQ(told(watcher.watching(now)), nothing);
  EXPECT_EQ(watcher.due(), now + rules.steady);
  now += rules.steady;
  EXPECT_THAT(told(watcher.tick(now)), ElementsAre(at(1), at(2)));
  EXPECT_EQ(watcher.due(), std::nullopt);
}

TEST_F(KubernetesWatcherTest, OrWithOneThatBringsSomething) {
  know_two();
  fail(outcome::watch_forbidden);
  watcher.watching(now);
  EXPECT_THAT(
      told(change({.what = kind::bookmark, .version = "9", .slice = {}})), ElementsAre(at(1), at(2))
  );
}

TEST_F(KubernetesWatcherTest, ABeginningWatchDoesNotHideThatNobodyIsThere) {
  watcher.listed(list({}), now, random);
  EXPECT_EQ(told(watcher.watching(now)), nothing);
}

TEST_F(KubernetesWatcherTest, WaitsDoubleUpToTenSeconds) {
  know_two();
  std::vector<milliseconds> waits;
  for (int i = 0; i != 8; ++i) {
    const auto step = fail(outcome::failed);
    waits.push_back(std::chrono::duration_cast<milliseconds>(step.next->at - now));
    now = step.next->at;
  }
  EXPECT_THAT(waits, ElementsAre(500ms, 1s, 2s, 4s, 8s, 10s, 10s, 10s));
}

TEST_F(KubernetesWatcherTest, WaitsAreSpreadOverHalfOfThem) {
  for (const std::uint64_t each : {0u, 100u, 250u, 999'999u}) {
    random = each;
    kubernetes_watcher fresh{rules};
    fresh.begin(now);
    const auto step = fresh.failed({.outcome = outcome::failed}, now, each);
    EXPECT_LE(step.next->at - now, 500ms);
    EXPECT_GE(step.next->at - now, 250ms);
  }
}

TEST_F(KubernetesWatcherTest, RetryAfterIsHonoured) {
  know_two();
  EXPECT_EQ(fail(outcome::overloaded, 20s).next->at, now + 20s);
  EXPECT_EQ(fail(outcome::failed, 1ms).next->at, now + 1s);
}

TEST_F(KubernetesWatcherTest, RetryAfterIsBounded) {
  know_two();
  EXPECT_EQ(fail(outcome::overloaded, 1'000h).next->at, now + rules.most_retry_after);
}

TEST_F(KubernetesWatcherTest, ATokenThatRanOutIsReadAnewAtOnce) {
  know_two();
  const auto step = fail(outcome::unauthorized);
  EXPECT_EQ(told(step), nothing);
  EXPECT_EQ(step.next->at, now);
  EXPECT_EQ(step.next->what, todo::watch);
  const auto again = fail(outcome::unauthorized);
  EXPECT_THAT(told(again), ElementsAre("error: unauthorized"));
  EXPECT_EQ(again.next->at, now + 1s);
}

TEST_F(KubernetesWatcherTest, AVersionThatIsGoneIsNeverUsedAgain) {
  know_two();
  const auto step = fail(outcome::expired);
  EXPECT_EQ(told(step), nothing);
  EXPECT_EQ(step.next->what, todo::list);
  EXPECT_EQ(step.next->at, now);
  EXPECT_EQ(step.next->version, "");
}

TEST_F(KubernetesWatcherTest, AWatchThatIsCutAndThenHasNoVersionGoesOnQuietly) {
  know_two();
  fail(outcome::failed);
  const auto step = fail(outcome::expired);
  EXPECT_EQ(told(step), nothing);
  EXPECT_EQ(step.next->what, todo::list);
  EXPECT_EQ(step.next->at, now);
  EXPECT_THAT(told(fail(outcome::timed_out)), ElementsAre("error: timed_out"));
}

TEST_F(KubernetesWatcherTest, TheSameAsAnEvent) {
  know_two();
  const auto step = change(error(410));
  EXPECT_EQ(told(step), nothing);
  ASSERT_TRUE(step.next);
  EXPECT_EQ(step.next->what, todo::list);
  EXPECT_EQ(watcher.count(outcome::expired), 1u);
}

TEST_F(KubernetesWatcherTest, AVersionThatIsGoneAtOnceDoesNotSpin) {
  know_two();
  time_point last = now;
  for (int i = 0; i != 6; ++i) {
    const auto step = change(error(410));
    EXPECT_GE(step.next->at - last, i == 0 ? 0ms : 250ms) << i;
    last = now = step.next->at;
    watcher.listed(list({slice("a", {pod(1), pod(2)})}), now, random);
    watcher.watching(now);
  }
}

TEST_F(KubernetesWatcherTest, OtherErrorEventsListAnew) {
  know_two();
  EXPECT_EQ(change(error(500)).next->what, todo::list);
  EXPECT_EQ(watcher.count(outcome::failed), 1u);
  EXPECT_EQ(change(error(429)).next->what, todo::list);
  EXPECT_EQ(watcher.count(outcome::overloaded), 1u);
}

TEST_F(KubernetesWatcherTest, AMalformedAnswerIsToldAndListsAnew) {
  know_two();
  const auto step = fail(outcome::malformed);
  EXPECT_THAT(told(step), ElementsAre("error: malformed"));
  EXPECT_EQ(step.next->what, todo::list);
}

TEST_F(KubernetesWatcherTest, TooManyChangeNothing) {
  rules.most_candidates = 2;
  watcher = kubernetes_watcher{rules};
  know_two();
  EXPECT_THAT(told(change(set(slice("b", {pod(3)})))), ElementsAre("error: too_many"));
  const auto step = watcher.listed(list({slice("a", {pod(1), pod(2), pod(3)})}), now, random);
  EXPECT_EQ(told(step), nothing);
  EXPECT_EQ(step.next->what, todo::list);
  EXPECT_THAT(
      told(watcher.listed(list({slice("a", {pod(1), pod(2)})}), now, random)),
      ElementsAre(at(1), at(2))
  );
}

TEST_F(KubernetesWatcherTest, TooManySlicesOrEndpointsChangeNothing) {
  rules.most_slices = 1;
  rules.most_endpoints = 3;
  watcher = kubernetes_watcher{rules};
  know_two();
  EXPECT_THAT(told(change(set(slice("b", {pod(3)})))), ElementsAre("error: too_many"));
  watcher.listed(list({slice("a", {pod(1), pod(2)})}), now, random);
  EXPECT_THAT(
      told(change(set(slice("a", {pod(1), pod(2), pod(3, true), pod(4, true)})))),
      ElementsAre("error: too_many")
  );
}

TEST_F(KubernetesWatcherTest, EveryOutcomeHasANameAndSaysWhatToDo) {
  for (std::size_t i = 0; i != kubernetes_outcomes; ++i) {
    const auto each = static_cast<outcome>(i);
    EXPECT_FALSE(name(each).empty());
    EXPECT_GT(make_error_code(each).message().size(), 20u) << name(each);
  }
}

}  // namespace
}  // namespace weir
