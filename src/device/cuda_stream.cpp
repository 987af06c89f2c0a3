#include "base/error.h"
#include "device/module.h"

namespace hpml::device {

namespace {

class CudaEvent final : public Event {
  public:
    CudaEvent(const CudaModule& module, void* stream) : module_(module) {
        module_.check(module_.api().event_create(&handle_), "making a GPU event");
        if (module_.api().event_record(handle_, stream) != 0) {
            module_.api().event_destroy(handle_);
            module_.check(1, "recording a GPU event");
        }
    }
    ~CudaEvent() override { module_.api().event_destroy(handle_); }
    CudaEvent(const CudaEvent&) = delete;
    CudaEvent& operator=(const CudaEvent&) = delete;
    CudaEvent(CudaEvent&&) = delete;
    CudaEvent& operator=(CudaEvent&&) = delete;

    [[nodiscard]] bool is_done() const override {
        int done = 0;
        module_.check(module_.api().event_query(handle_, &done), "asking for a GPU event");
        return done != 0;
    }
    void synchronize() const override {
        module_.check(module_.api().event_synchronize(handle_), "waiting for a GPU event");
    }
    [[nodiscard]] Seconds since(const Event& earlier) const override {
        double seconds = 0;
        synchronize();
        module_.check(module_.api().event_elapsed(of(earlier).handle_, handle_, &seconds),
                      "timing GPU work");
        return Seconds(seconds);
    }

    [[nodiscard]] static const CudaEvent& of(const Event& event) {
        const auto* ours = dynamic_cast<const CudaEvent*>(&event);
        expects(ours != nullptr, "events of the same kind of device");
        return *ours;
    }
    [[nodiscard]] void* handle() const { return handle_; }

  private:
    CudaModule module_;
    void* handle_ = nullptr;
};

class CudaStream final : public Stream {
  public:
    explicit CudaStream(const CudaModule& module) : module_(module) {
        module_.check(module_.api().stream_create(&handle_), "making a GPU stream");
    }
    ~CudaStream() override { module_.api().stream_destroy(handle_); }
    CudaStream(const CudaStream&) = delete;
    CudaStream& operator=(const CudaStream&) = delete;
    CudaStream(CudaStream&&) = delete;
    CudaStream& operator=(CudaStream&&) = delete;

    void run(const std::function<void()>& work) override {
        synchronize();
        work();
    }
    [[nodiscard]] std::unique_ptr<Event> record() override {
        return std::make_unique<CudaEvent>(module_, handle_);
    }
    void wait_for(const Event& event) override {
        module_.check(module_.api().stream_wait_event(handle_, CudaEvent::of(event).handle()),
                      "ordering GPU streams");
    }
    void synchronize() override {
        module_.check(module_.api().stream_synchronize(handle_), "waiting for a GPU stream");
    }

  private:
    CudaModule module_;
    void* handle_ = nullptr;
};

}  // namespace

std::unique_ptr<Stream> CudaModule::make_stream() const {
    return std::make_unique<CudaStream>(*this);
}

}  // namespace hpml::device
