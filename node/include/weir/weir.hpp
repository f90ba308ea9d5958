#pragma once

/// Everything a program needs that embeds a node. Costs little more to compile than
/// <boost/asio/awaitable.hpp>.

#include <weir/discovery/provider.hpp>
#include <weir/discovery/static_provider.hpp>
#include <weir/engine/cache.hpp>
#include <weir/engine/engine.hpp>
#include <weir/engine/explain.hpp>
#include <weir/engine/keyspace.hpp>
#include <weir/engine/memory_store.hpp>
#include <weir/engine/runtime.hpp>
#include <weir/engine/session.hpp>
#include <weir/engine/store.hpp>
#include <weir/node/log.hpp>
#include <weir/node/node.hpp>
