"""Train what words mean to limn: `python -m renderer.training.train_words`, about two minutes on one core.

Needs the extra `words`. Writes `words.safetensors` and its card `words.json`, with accuracy on wordings that training
never saw, beside the model.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor, nn
from torch.nn import functional

from renderer.models.limn.minilm import SHA256, WEIGHTS, WIDTH, MiniLM
from renderer.models.limn.words import FOLDER, HEAD, HEAD_CARD, NAMES, STEPS, SURE, Head, to_scale
from renderer.training.phrases import Grammar, Phrase, plain_phrases, wordings

F32 = NDArray[np.float32]

PHRASES, HELD_PHRASES = 18000, 2000
REPEATS = 4  # of every wording alone, which is what most pieces of a prompt are
STRANGERS = 4000  # phrases of the encoder's vocabulary that are tried as saying nothing
NEAR = 0.45  # cosine from which on such a phrase may be of weather after all
HIDDEN = 512
EPOCHS, BATCH = 40, 256
NOISE = 0.02  # added to each number of a vector, of which the spread is 0.05
TOLERANCE = dict.fromkeys(NAMES, 0.2) | {"sun_elevation_deg": 5.0, "turbidity": 2.0}
TOLERANCE_SHARE = 0.35  # of an elevation, where that is more
log = logging.getLogger("worldplate.words")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    encoder = MiniLM()
    phrases, vectors = lesson(encoder)
    weights = trained(vectors, phrases)
    content = save(weights)
    figures = {name: asdict(told) for name, told in examined(Head(weights), encoder).items()}
    card = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "encoder_sha256": SHA256[WEIGHTS],
        "held_out": figures,
    }
    (FOLDER / HEAD).write_bytes(content)
    (FOLDER / HEAD_CARD).write_text(json.dumps(card, indent=1) + "\n")
    log.info("%s", json.dumps(figures, indent=1))


def lesson(encoder: MiniLM) -> tuple[list[Phrase], F32]:
    """What the head is taught: phrases and their vectors [N, 384]."""
    words = wordings(held=False)
    plain = plain_phrases(words)
    phrases = Grammar(words, seed=1).phrases(PHRASES)
    alone, within = (encoded(encoder, [phrase.text for phrase in every]) for every in (plain, phrases))
    strange = strangers(encoder, alone[[bool(phrase.values) for phrase in plain]])
    silent = [Phrase("", {})] * len(strange)
    return plain * REPEATS + phrases + silent, np.concatenate([alone] * REPEATS + [within, strange])


def examined(head: Head, encoder: MiniLM) -> dict[str, Accuracy]:
    """Accuracy on wordings that are held out of training, alone as they are and put into phrases."""
    words = wordings(held=True)
    exams = {"alone": plain_phrases(words), "in_phrases": Grammar(words, seed=2).phrases(HELD_PHRASES)}
    return {
        name: accuracy(head, encoded(encoder, [phrase.text for phrase in phrases]), phrases)
        for name, phrases in exams.items()
    }


def encoded(encoder: MiniLM, texts: Sequence[str]) -> F32:
    """Vectors [N, 384] of many texts; those of like length go together, which wastes little on padding."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    vectors = np.empty((len(texts), WIDTH), np.float32)
    for chunk in np.array_split(order, max(1, len(texts) // 128)):
        vectors[chunk] = encoder.encode([texts[k] for k in chunk])
    return vectors


def strangers(encoder: MiniLM, said: F32) -> F32:
    """Vectors of words, alone and by threes, that are far from all that is said of weather: they say nothing."""
    words = sorted(word for word in encoder.tokenizer.get_vocab() if word.isalpha() and len(word) > 2)
    drawn = np.random.default_rng(3).choice(words, (STRANGERS // 2, 4))
    vectors = encoded(encoder, [row[0] for row in drawn] + [" ".join(row[1:]) for row in drawn])
    far: F32 = vectors[(vectors @ said.T).max(axis=1) < NEAR]
    return far


def trained(vectors: F32, phrases: Sequence[Phrase]) -> dict[str, NDArray[np.float16]]:
    mentioned, chances = (torch.from_numpy(part) for part in targets(phrases))
    x = torch.from_numpy(vectors)
    first, last = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, len(NAMES) * (1 + STEPS))
    net = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.5), last)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.02)
    batches = -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=EPOCHS * batches + 1)
    for epoch in range(EPOCHS):
        for chosen in torch.chunk(torch.randperm(len(x)), batches):
            noisy = functional.normalize(x[chosen] + NOISE * torch.randn(len(chosen), WIDTH), dim=1)
            loss = loss_of(net(noisy), mentioned[chosen], chances[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
        if epoch % 10 == 9:
            log.info("epoch %d of %d: loss %.4f", epoch + 1, EPOCHS, loss.item())
    named = {"in": first.weight.T, "in_bias": first.bias, "out": last.weight.T, "out_bias": last.bias}
    return {name: np.ascontiguousarray(part.detach().numpy(), np.float16) for name, part in named.items()}


def targets(phrases: Sequence[Phrase]) -> tuple[F32, F32]:
    """What is mentioned, 0 or 1 [N, len(NAMES)], and chances of the places of its scale [N, len(NAMES), STEPS]: a
    value between two places is shared by them."""
    mentioned = np.array([[name in phrase.values for name in NAMES] for phrase in phrases], np.float32)
    values = np.array([[phrase.values.get(name, 0.5) for name in NAMES] for phrase in phrases], np.float32)
    at = to_scale(values)[..., None] * (STEPS - 1)
    return mentioned, np.maximum(1.0 - np.abs(at - np.arange(STEPS, dtype=np.float32)), 0.0)


def loss_of(out: Tensor, mentioned: Tensor, chances: Tensor) -> Tensor:
    telling = functional.binary_cross_entropy_with_logits(out[:, : len(NAMES)], mentioned)
    guessed = out[:, len(NAMES) :].reshape(chances.shape).log_softmax(dim=-1)
    return telling - 1.5 * ((guessed * chances).sum(dim=-1) * mentioned).mean()


@dataclass(frozen=True)
class Accuracy:
    """Shares, 0..1."""

    phrases: int
    exact: float  # of phrases that mention something: exactly the right controls were found
    exact_and_near: float  # and their values are within tolerance
    silent_kept: float  # of phrases that mention nothing: nothing was found
    controls: dict[str, dict[str, float]]  # of each control: recall, precision, and values near where it was found


def accuracy(head: Head, vectors: F32, phrases: Sequence[Phrase]) -> Accuracy:
    logits, values = head(vectors)
    found = logits >= SURE
    mentioned = np.array([[name in phrase.values for name in NAMES] for phrase in phrases])
    truth = np.array([[phrase.values.get(name, 0.0) for name in NAMES] for phrase in phrases], np.float32)
    near = np.abs(values - truth) <= tolerances(truth)
    silent = ~mentioned.any(axis=1)
    exact = (found == mentioned).all(axis=1)
    return Accuracy(
        phrases=len(phrases),
        exact=rounded(exact[~silent].mean()),
        exact_and_near=rounded((exact & (near | ~mentioned).all(axis=1))[~silent].mean()),
        silent_kept=rounded(exact[silent].mean()),
        controls={
            name: {
                "recall": rounded(found[mentioned[:, k], k].mean()),
                "precision": rounded(mentioned[found[:, k], k].mean()),
                "near": rounded(near[mentioned[:, k] & found[:, k], k].mean()),
            }
            for k, name in enumerate(NAMES)
        },
    )


def tolerances(truth: F32) -> F32:
    """How far a value may be from the truth, each [N, len(NAMES)] in the control's unit."""
    allowed = np.broadcast_to(np.array([TOLERANCE[name] for name in NAMES], np.float32), truth.shape).copy()
    allowed[:, 0] = np.maximum(allowed[:, 0], TOLERANCE_SHARE * np.abs(truth[:, 0]))
    return allowed


def rounded(share: float) -> float:
    return round(float(share), 3)


if __name__ == "__main__":
    main()
