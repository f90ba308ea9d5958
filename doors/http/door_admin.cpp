// What an operator asks the program for: POST /cluster/reload and /cluster/drain.
#include "http/http_door_impl.hpp"

#include <weir/transport/http_target.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace weir {
namespace {

/// The outcome, once it is there; the timer ends the wait for it. Used on one loop.
struct awaited_outcome {
  explicit awaited_outcome(const asio::any_io_executor& loop) : timer(loop) {}

  asio::steady_timer timer;
  std::optional<admin_outcome> value;
};

}  // namespace

asio::awaitable<http_response> http_door::impl::administer(
    const http_request& request, door_page page
) const {
  if (!unknown_parameter(request.query, "").empty()) {
    co_return problem(errc::bad_request, "this address takes no parameters");
  }
  const bool is_reload = page == door_page::reload;
  const auto& action = is_reload ? options.reload : options.drain;
  if (!action) {
    co_return problem(
        errc::method_not_allowed,
        "this node runs inside a program that offers no " +
            std::string(is_reload ? "reload" : "drain") + " here"
    );
  }
  const auto loop = co_await asio::this_coro::executor;
  const auto awaited = std::make_shared<awaited_outcome>(loop);
  awaited->timer.expires_at(request.deadline);
  action([loop, awaited](admin_outcome outcome) {
    asio::post(loop, [awaited, outcome = std::move(outcome)]() mutable {
      awaited->value = std::move(outcome);
      awaited->timer.cancel();
    });
  });
  co_await awaited->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!awaited->value) {
    co_return problem(errc::deadline_exceeded, "it goes on, and the node's log says how it ends");
  }
  if (awaited->value->failed) co_return problem(*awaited->value->failed, awaited->value->detail);
  json_writer json;
  json.begin_object().member(is_reload ? "reloaded" : "drained", true);
  json.member("detail", awaited->value->detail).end_object();
  co_return json_answer(json);
}

}  // namespace weir
