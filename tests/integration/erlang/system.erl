%% SPDX-License-Identifier: Apache-2.0
%% The virtual machine itself: schedulers taken away and given back, all of them stopped for a moment, signals, environment, memory.
-module(system).
-export([main/0]).

main() ->
    All = erlang:system_info(schedulers),
    Spinners = [spawn(fun spin/0) || _ <- lists:seq(1, 4)],
    [begin erlang:system_flag(schedulers_online, N), N = erlang:system_info(schedulers_online), timer:sleep(5) end
     || _ <- lists:seq(1, 10), N <- lists:seq(1, All) ++ lists:seq(All, 1, -1)],
    erlang:system_flag(schedulers_online, All),
    [begin
        block = lists:max([block, erlang:system_flag(multi_scheduling, block)] -- [disabled, blocked]),
        erlang:system_flag(multi_scheduling, unblock)
     end || _ <- lists:seq(1, 20), All > 1],
    io:format("schedulers came and went~n"),
    erlang:system_flag(scheduler_wall_time, true),
    timer:sleep(50),
    Walls = [Total > 0 andalso Active =< Total || {_, Active, Total} <- erlang:statistics(scheduler_wall_time)],
    io:format("wall time: ~p ~p~n", [length(Walls) >= All, lists:usort(Walls)]),
    [exit(Pid, kill) || Pid <- Spinners],
    {_, Collections, _} = {0, element(1, erlang:statistics(garbage_collection)), 0},
    io:format("collected: ~p~n", [Collections > 0]),
    io:format("memory: ~p~n", [[proplists:get_value(K, erlang:memory()) > 0 || K <- [total, processes, system, atom, binary, code, ets]]]),
    io:format("cpus: ~p~n", [erlang:system_info(logical_processors_online) =:= list_to_integer(string:trim(os:cmd("nproc")))]),
    signals(), environment(), distribution(),
    io:format("processes: ~p~n", [lists:sum(spawned(50000))]).

spin() -> lists:sum(lists:seq(1, 1000)), spin().

signals() ->
    Main = self(),
    ok = gen_event:swap_handler(erl_signal_server, {erl_signal_handler, []}, {system_signals, Main}),
    [os:set_signal(S, handle) || S <- [sigusr1, sigusr2, sighup, sigalrm, sigterm, sigquit]],
    [begin
        os:cmd("kill -" ++ Name ++ " " ++ os:getpid()),
        receive {signal, S} -> io:format("~p ", [S]) end
     end || Name <- ["USR1", "USR2", "HUP", "ALRM", "TERM", "QUIT"]],
    os:set_signal(sigusr1, ignore),
    os:cmd("kill -USR1 " ++ os:getpid()),
    receive {signal, Other} -> io:format("not ignored: ~p~n", [Other]) after 100 -> io:format("ignored~n") end.

environment() ->
    os:putenv("SOME", "thing"),
    io:format("~p ~p ~p ~p~n", [os:getenv("SOME"), os:cmd("printf $SOME"), os:getenv("NONE"), os:type()]),
    io:format("~p~n", [lists:usort([is_integer(list_to_integer(os:getpid())), filelib:is_dir("/proc/" ++ os:getpid())])]).

distribution() -> io:format("~p ~p~n", [node(), net_kernel:get_state()]).

spawned(Count) ->
    Main = self(),
    [spawn(fun() -> Main ! {done, N rem 10} end) || N <- lists:seq(1, Count)],
    [receive {done, N} -> N end || _ <- lists:seq(1, Count)].
