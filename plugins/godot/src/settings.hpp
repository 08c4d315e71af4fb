// The dictionary that `WorldplateLink.open` takes: the fields of wp_client_desc by name.
#pragma once

#include <string>
#include <vector>

#include "values.hpp"
#include "worldplate.h"

namespace worldplate::godot {

class Settings {
public:
    // Takes the dictionary over the defaults. Empty, or what is wrong with it: the key, its value, what is allowed.
    std::string read(const Dictionary& dictionary);

    const std::vector<wp_plane>& planes() const { return planes_; }

    // Its pointers are good while this object is and stays where it is.
    wp_client_desc desc() const;

private:
    std::string take(const std::string& key, const Variant& value);
    std::string take_planes(const Variant& value);
    std::string take_plane(const Variant& value);

    wp_client_desc desc_ = wp_client_defaults();
    std::vector<wp_plane> planes_;
    std::string name_ = "worldplate godot " WORLDPLATE_VERSION;
    std::string engine_ = "Godot";
    std::string connection_file_;
};

}  // namespace worldplate::godot
