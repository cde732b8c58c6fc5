#pragma once

namespace ghost {

/// Deleter of a std::unique_ptr to what a C library made: `std::unique_ptr<X509, FreeBy<X509_free>>`.
template <auto free_function>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};

}  // namespace ghost
