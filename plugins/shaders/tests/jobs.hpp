// Jobs as renderer/bench/shaders.py writes them, and the results as it reads them: words, little endian.
//
// A file is: number of words of the planes, the planes, then for each job: number of the function, rows, words given and
// words found in a row, and the given words.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using Words = std::vector<uint32_t>;

struct Job {
    Words head;  // function, rows, words given, words found
    Words given;
};

struct Jobs {
    Words planes;
    std::vector<Job> all;
};

[[noreturn]] inline void end(const std::string &why) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(1);
}

inline Words words_of(const char *path) {
    std::FILE *file = std::fopen(path, "rb");
    if (file == nullptr) {
        end(std::string("cannot read ") + path);
    }
    Words words;
    uint32_t word = 0;
    while (std::fread(&word, sizeof word, 1, file) == 1) {
        words.push_back(word);
    }
    std::fclose(file);
    return words;
}

inline Words taken(const Words &from, size_t &at, size_t count) {
    if (at + count > from.size()) {
        end("the jobs end in the middle");
    }
    Words part(from.begin() + static_cast<long>(at), from.begin() + static_cast<long>(at + count));
    at += count;
    return part;
}

inline Jobs jobs_of(const char *path) {
    const Words words = words_of(path);
    size_t at = 0;
    Jobs jobs;
    jobs.planes = taken(words, at, taken(words, at, 1)[0]);
    while (at < words.size()) {
        Job job;
        job.head = taken(words, at, 4);
        job.given = taken(words, at, static_cast<size_t>(job.head[1]) * job.head[2]);
        jobs.all.push_back(job);
    }
    return jobs;
}

inline void write_words(const char *path, const Words &words) {
    std::FILE *file = std::fopen(path, "wb");
    if (file == nullptr || std::fwrite(words.data(), sizeof(uint32_t), words.size(), file) != words.size() ||
        std::fclose(file) != 0) {
        end(std::string("cannot write ") + path);
    }
}
