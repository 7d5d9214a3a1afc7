// Both: doctest.h derives the first from the second only where nothing, such as a precompiled header, came before it.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
