// What a link's status means for a person: how it is in a few words, and what to do next.
#pragma once

#include <string>

#include "worldplate.h"

namespace Worldplate
{
enum class EMood
{
	Good,
	Waiting,
	Bad,
};

struct FStateWords
{
	std::string Headline;
	std::string Next;  // empty: nothing to do
	EMood Mood;
};

FStateWords StateWordsOf(const wp_status& Status);

// What becomes of the model that was asked for; empty when none was, or it serves.
std::string WordsOfChange(const wp_model_change& Change);

// Of a stream that does not run: `Trouble` says why; empty when nobody wanted it to.
FStateWords StateWordsOfTrouble(const std::string& Trouble);
}  // namespace Worldplate
