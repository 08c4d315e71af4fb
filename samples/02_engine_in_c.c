/* A whole engine in C: a small moving scene, its planes to the renderer, the plate over its own picture.

       cmake -S plugins/native -B build -DWORLDPLATE_SAMPLES=ON && cmake --build build
       worldplate serve & build/engine_in_c [SECONDS [PICTURE.ppm [CONNECTION_FILE]]]

   Prints figures every second, until Ctrl-C or the time is over, and writes the last picture. It runs in freerun: it
   never waits for a plate, and carries one that is of an older frame to where its pixels are now (`plate_pixel`). */
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include "worldplate.h"

enum { W = 320, H = 180, PIXELS = W * H, BALLS = 6, FLOOR = BALLS, SKY = -1, PLANES = 6, BUFFERS = 3 };
static const double kAspect = (double)W / H, kFocal = 1.6, kNear = 0.1, kFar = 200.0, kPeriod_s = 1.0 / 60;

typedef struct { double x, y, z; } V;
static V add(V a, V b, double times) { return (V){a.x + b.x * times, a.y + b.y * times, a.z + b.z * times}; }
static V to(V a, V b) { return add(b, a, -1); }
static double dot(V a, V b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

/* ---- the scene: balls on a floor; world space, metres, +Y up ---- */
typedef struct { double radius; wp_label label; V color, at, before; } Ball;
typedef struct { V at, right, up, back; wp_pose pose; } Eye;
static Ball balls[BALLS] = {{.radius = 1.0, .label = WP_LABEL_PLASTIC, .color = {0.80, 0.25, 0.15}},
    {.radius = 0.7, .label = WP_LABEL_METAL, .color = {0.15, 0.45, 0.80}},
    {.radius = 0.5, .label = WP_LABEL_FABRIC, .color = {0.90, 0.70, 0.20}},
    {.radius = 1.6, .label = WP_LABEL_STONE, .color = {0.55, 0.50, 0.44}, .at = {-4.2, 1.3, -2.5}},
    {.radius = 0.9, .label = WP_LABEL_WOOD, .color = {0.45, 0.28, 0.15}, .at = {3.4, 0.9, 1.2}},
    {.radius = 2.6, .label = WP_LABEL_FOLIAGE, .color = {0.22, 0.40, 0.16}, .at = {4.5, 1.4, -6.0}}};
static const V kSun = {0.48, 0.72, 0.50}; /* to it */
static Eye moved_to(double t) { /* the balls, and the eye */
    for (int b = 0; b < BALLS; ++b) balls[b].before = balls[b].at;
    balls[0].at = (V){2.2 * cos(t), 1.0, 2.2 * sin(t)};
    balls[1].at = (V){-1.8, 0.7 + 1.6 * fabs(sin(2.0 * t)), 1.5};
    balls[2].at = (V){3.0 * sin(0.7 * t), 0.5, -2.2};
    const double yaw = 0.35 * sin(0.4 * t), tilt = -0.22, s = sin(yaw), c = cos(yaw), st = sin(tilt), ct = cos(tilt);
    const double hs = sin(yaw / 2), hc = cos(yaw / 2), hst = sin(tilt / 2), hct = cos(tilt / 2);
    return (Eye){{9 * s, 3.2, 9 * c}, {c, 0, -s}, {s * st, ct, c * st}, {s * ct, -st, c * ct},
                 {{9 * s, 3.2, 9 * c}, {hc * hst, hs * hct, -hs * hst, hc * hct}}};
}

/* What is there, FLOOR or SKY where no ball is; `t` in lengths of `way`, INFINITY for the sky. */
static int trace(V from, V way, double* t, V* normal) {
    *t = way.y < 0.0 && -from.y / way.y < kFar ? -from.y / way.y : INFINITY;
    int hit = *t < kFar ? FLOOR : SKY;
    *normal = (V){0, hit == FLOOR, 0};
    for (int b = 0; b < BALLS; ++b) {
        const V o = to(balls[b].at, from);
        const double r = balls[b].radius, l = dot(way, way), k = dot(o, way) / l, d = k * k - (dot(o, o) - r * r) / l;
        const double near = -k - sqrt(fmax(d, 0.0));
        if (d > 0.0 && near > 1e-4 && near < *t) *t = near, hit = b, *normal = add((V){0}, add(o, way, near), 1.0 / r);
    }
    return hit;
}

static V shade(int hit, V at, V normal, V way) { /* scene-linear */
    if (hit == SKY) return add((V){0.55, 0.68, 0.85}, (V){0.35, 0.38, 0.30}, -fmax(way.y, 0) / sqrt(dot(way, way)));
    const double tile = (((int)floor(at.x) + (int)floor(at.z)) & 1 ? -7.0 : 7.0) / fmax(dot(at, at), 100.0);
    const V c = hit < FLOOR ? balls[hit].color : (V){0.35 + tile, 0.34 + tile, 0.32 + tile}; /* fades, not to flicker */
    double t, sky = 0.22 + 0.12 * normal.y, lit = fmax(dot(normal, kSun), 0.0);
    if (lit > 0.0 && trace(add(at, normal, 1e-3), kSun, &t, &normal) != SKY) lit = 0.0;
    return (V){c.x * (1.5 * lit + sky), c.y * (1.4 * lit + sky), c.z * (1.2 * lit + 1.2 * sky)};
}

/* ---- its planes, in canonical values ---- */
static const wp_plane kPlanes[PLANES] = {
    {WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA32F}, {WP_PLANE_NAME_DEPTH, WP_PIXEL_FORMAT_R32F},
    {WP_PLANE_NAME_NORMAL, WP_PIXEL_FORMAT_RGBA32F}, {WP_PLANE_NAME_MOTION, WP_PIXEL_FORMAT_RG32F},
    {WP_PLANE_NAME_OBJECT, WP_PIXEL_FORMAT_R32UI}, {WP_PLANE_NAME_LABEL, WP_PIXEL_FORMAT_R8UI}};
typedef struct { /* as wp_layout has it, as each plane of this size is a multiple of 64 bytes */
    float color[PIXELS][4], depth[PIXELS], normal[PIXELS][4], motion[PIXELS][2];
    uint32_t object[PIXELS];
    uint8_t label[PIXELS];
    atomic_int busy; /* the client reads it */
} Pixels;
static void render(const Eye* e, const Eye* before, Pixels* p) {
    for (int i = 0; i < PIXELS; ++i) {
        const double u = (i % W + 0.5) / W, v = (i / W + 0.5) / H;
        const V side = add(to(e->back, (V){0}), e->right, (2 * u - 1) * kAspect / kFocal);
        const V way = add(side, e->up, (1 - 2 * v) / kFocal); /* one metre of depth: `t` is the depth */
        double t;
        V n;
        const int hit = trace(e->at, way, &t, &n);
        const V at = add(e->at, way, hit == SKY ? kFar : t), c = shade(hit, at, n, way);
        const V was = hit >= 0 && hit < FLOOR ? add(at, to(balls[hit].at, balls[hit].before), 1) : at;
        const V then = hit == SKY ? way : to(before->at, was); /* from the eye as it was */
        const double z = -dot(then, before->back);
        p->motion[i][0] = (float)(0.5 + 0.5 * kFocal / kAspect * dot(then, before->right) / z - u);
        p->motion[i][1] = (float)(0.5 - 0.5 * kFocal * dot(then, before->up) / z - v);
        memcpy(p->color[i], (float[]){(float)c.x, (float)c.y, (float)c.z, 1}, sizeof p->color[i]);
        memcpy(p->normal[i], (float[]){(float)n.x, (float)n.y, (float)n.z, 0}, sizeof p->normal[i]);
        p->depth[i] = (float)t;
        p->object[i] = (uint32_t)(hit + 1);
        p->label[i] = (uint8_t)(hit == SKY ? WP_LABEL_SKY : hit == FLOOR ? WP_LABEL_GROUND : balls[hit].label);
    }
}

static uint64_t begin(wp_client client, const Eye* e, const Eye* before) {
    wp_body list[BALLS] = {0};
    for (int b = 0; b < BALLS; ++b) {
        const V p = balls[b].at, q = balls[b].before, v = add((V){0}, to(q, p), 1 / kPeriod_s);
        list[b] = (wp_body){(uint32_t)b + 1, (uint8_t)balls[b].label, {{p.x, p.y, p.z}, {0, 0, 0, 1}},
                            {{q.x, q.y, q.z}, {0, 0, 0, 1}}, {(float)v.x, (float)v.y, (float)v.z}, {0}};
    }
    const double a = (kFar + kNear) / (kNear - kFar), b = 2 * kFar * kNear / (kNear - kFar);
    const wp_frame frame = {.camera = {e->pose, before->pose,
        {kFocal / kAspect, 0, 0, 0, 0, kFocal, 0, 0, 0, 0, a, b, 0, 0, -1, 0}, {0, 0}, kNear, kFar, 0, 0, 0, 0},
        .bodies = list, .body_count = BALLS};
    uint64_t id;
    if (wp_begin_frame(client, &frame, &id) != WP_OK) fprintf(stderr, "%s\n", wp_last_error()), exit(1);
    return id;
}

/* ---- the plate over the picture ---- */
static float depths[WP_HISTORY_FRAMES][PIXELS]; /* of the frames that a plate may be of */
static unsigned char rgb[3 * PIXELS];           /* what is on the screen */
static double half(uint16_t h) {
    const double size = h >> 10 & 31 ? ldexp(1024 + (h & 1023), (h >> 10 & 31) - 25) : ldexp(h & 1023, -24);
    return h & 0x8000 ? -size : size;
}

/* Where the pixel was in the plate's frame; -1: outside its view, or behind something. */
static int plate_pixel(int i, float depth, const float m[16], const float* seen_depths) {
    const double d = fmin(depth, 1e6), x = ((i % W + 0.5) / W * 2 - 1) * kAspect / kFocal * d;
    const double y = (1 - (i / W + 0.5) / H * 2) / kFocal * d, z = -(m[8] * x + m[9] * y - m[10] * d + m[11]);
    const double sx = kFocal / kAspect * (m[0] * x + m[1] * y - m[2] * d + m[3]) / z;
    const double sy = kFocal * (m[4] * x + m[5] * y - m[6] * d + m[7]) / z;
    if (!(z > kNear && fabs(sx) < 1 && fabs(sy) < 1)) return -1;
    const int at = (int)((0.5 - 0.5 * sy) * H) * W + (int)((0.5 + 0.5 * sx) * W);
    return fabs(fmin(seen_depths[at], 1e6) - z) < 0.05 * z ? at : -1;
}

static void composite(wp_client client, const wp_picture* p, uint64_t plate_id, const Pixels* own) {
    wp_reprojection_data still;   /* of what does not move */
    wp_body_motion moving[BALLS]; /* by ascending id */
    uint32_t count = BALLS;
    const int shown = plate_id && wp_reprojection(client, p->target_id, plate_id, &still) == WP_OK &&
                      wp_body_motions(client, p->target_id, plate_id, moving, &count) == WP_OK;
    const float* seen = depths[plate_id % WP_HISTORY_FRAMES];
    for (int i = 0; i < PIXELS; ++i) {
        const uint32_t b = own->object[i] - 1;
        const float* m = b < BALLS ? moving[b].source_view_from_target_view : still.source_view_from_target_view;
        const int at = shown ? plate_pixel(i, own->depth[i], m, seen) : -1;
        const uint16_t* plate = at >= 0 ? (const uint16_t*)p->plate + 4 * at : (const uint16_t[4]){0};
        const double matte = half(plate[3]) * (double)p->strength;
        for (int c = 0; c < 3; ++c) {
            const double x = (double)own->color[i][c] * (1 - matte) + half(plate[c]) * matte;
            rgb[3 * i + c] = (unsigned char)(255 * fmin(pow(fmax(x, 0), 1 / 2.2), 1) + 0.5);
        }
    }
}

static volatile sig_atomic_t over;
static void stop(int number) { over = number; }
static void release(void* busy) { atomic_store((atomic_int*)busy, 0); } /* on the client's own thread */

int main(int count, char** words) {
    const uint64_t start_ns = wp_now_ns(), end_ns = start_ns + (uint64_t)(1e9 * (count > 1 ? atof(words[1]) : 1e9));
    wp_client_desc desc = wp_client_defaults();
    desc.width = W, desc.height = H, desc.planes = kPlanes, desc.plane_count = PLANES, desc.name = "engine in C";
    desc.connection_file = count > 3 ? words[3] : NULL;
    wp_client client;
    if (wp_open(&desc, &client) != WP_OK) return fprintf(stderr, "%s\n", wp_last_error()), 1;
    static Pixels pixels[BUFFERS];
    static wp_status status;
    static wp_picture picture; /* in freerun its target is the frame that began last */
    uint64_t line_ns = start_ns, frames = 0, line_frames = 0;
    signal(SIGINT, stop);
    for (Eye eye = moved_to(0), before = eye; !over && wp_now_ns() < end_ns; before = eye) {
        Pixels* now = pixels;
        while (atomic_load(&now->busy)) now = now + 1 < pixels + BUFFERS ? now + 1 : pixels;
        eye = moved_to(kPeriod_s * (double)++frames);
        render(&eye, &before, now);
        const uint64_t id = begin(client, &eye, &before);
        memcpy(depths[id % WP_HISTORY_FRAMES], now->depth, sizeof depths[0]);
        if (wp_wants_pixels(client)) {
            atomic_store(&now->busy, 1);
            wp_submit(client, id, now, offsetof(Pixels, busy), release, &now->busy);
        }
        if (wp_present(client, &picture) != WP_OK) break;
        composite(client, &picture, picture.plate_id, now);
        if (picture.plate_id && !wp_plate_whole(client)) composite(client, &picture, 0, now);
        const uint64_t now_ns = wp_now_ns(), due_ns = start_ns + (uint64_t)(1e9 * kPeriod_s * (double)frames);
        if (now_ns < due_ns) thrd_sleep(&(struct timespec){.tv_nsec = (long)(due_ns - now_ns)}, NULL);
        if (now_ns < line_ns + 1000000000 || wp_get_status(client, &status) != WP_OK) continue;
        const double fps = 1e9 * (double)(frames - line_frames) / (double)(now_ns - line_ns);
        printf("%s: %.1f frames/s, %.0f plates/s, frame age p50 %.1f ms, p95 %.1f ms\n",
               status.state == WP_LINK_ATTACHED ? status.model : "no renderer", fps, status.plates_per_s,
               status.age_p50_ms, status.age_p95_ms);
        fflush(stdout), line_ns = now_ns, line_frames = frames;
    }
    wp_close(client);
    FILE* file = count > 2 ? fopen(words[2], "wb") : NULL;
    return file ? (fprintf(file, "P6 %d %d 255\n", W, H), fwrite(rgb, 1, sizeof rgb, file), fclose(file)) : count > 2;
}
