#pragma once
// The asynchronous calls only: a synchronous one made on the completion thread would wait for itself.
#include <zookeeper/zookeeper.h>
